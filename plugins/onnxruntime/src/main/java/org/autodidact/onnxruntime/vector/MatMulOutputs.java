package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtEnvironment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.RowTensors;
import org.autodidact.vectors.RowKernels;

/** Outputs of a sharded matmul for a tile of tokens: for each shard [rows, its columns] floats. */
final class MatMulOutputs implements AutoCloseable {
  private final List<Int8MatMulShard> shards;
  private final List<FloatBuffer> values = new ArrayList<>();
  private final List<RowTensors> tensors = new ArrayList<>();
  private final List<NativeBuffer> memories = new ArrayList<>();
  private final int threads;
  private final int width;

  /** {@code first}: a matmul of the same shards as all that will be run. */
  MatMulOutputs(
      OrtEnvironment environment, int threads, int rows, VectorWeights.ShardedMatMul first) {
    this.threads = threads;
    shards = first.shards();
    width = shards.stream().mapToInt(Int8MatMulShard::outputs).sum();
    for (Int8MatMulShard shard : shards) {
      NativeBuffer memory = NativeBuffer.ofFloats((long) rows * shard.outputs());
      memories.add(memory);
      values.add(memory.floats(0, (long) rows * shard.outputs()));
      tensors.add(new RowTensors(environment, rows, memory, OnnxJavaType.FLOAT, shard.outputs()));
    }
  }

  /** Computes this thread's shards for the first {@code rows} rows of activations. */
  void run(VectorWeights.ShardedMatMul matMul, QuantizedActivations inputs, int rows, int thread) {
    for (int i = thread; i < matMul.shards().size(); i += threads) {
      matMul.shards().get(i).run(inputs.firstRows(rows, thread), tensors.get(i).first(rows));
    }
  }

  /**
   * Copies a row of all columns, with what its low bytes add.
   *
   * @param lowRow the row of its low bytes, or -1
   * @param scratch [width], overwritten where there are low bytes
   */
  void get(int row, int lowRow, float[] into, int to, RowKernels kernels, float[] scratch) {
    get(row, into, to);
    if (lowRow >= 0) {
      get(lowRow, scratch, 0);
      kernels.addLow(into, to, scratch, width);
    }
  }

  private void get(int row, float[] into, int to) {
    for (int i = 0; i < values.size(); i++) {
      Int8MatMulShard shard = shards.get(i);
      values.get(i).get(row * shard.outputs(), into, to + shard.from(), shard.outputs());
    }
  }

  @Override
  public void close() {
    tensors.forEach(RowTensors::close);
    memories.forEach(NativeBuffer::close);
  }
}
