package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.RowTensors;
import org.autodidact.vectors.RowKernels;

/** Outputs of a sharded matmul for a tile of tokens: for each shard [rows, its columns] floats. */
final class MatMulOutputs implements AutoCloseable {
  private final List<ShardOutput> shards = new ArrayList<>();
  private final int threads;
  private final int width;

  /** Output of one shard: columns {@code from} to {@code from + columns}, [rows, columns]. */
  private record ShardOutput(
      int from, int columns, NativeBuffer memory, FloatBuffer values, RowTensors tensors) {}

  /** {@code first}: a matmul of the same shards as all that will be run. */
  MatMulOutputs(
      OrtEnvironment environment, int threads, int rows, VectorWeights.ShardedMatMul first) {
    this.threads = threads;
    for (Int8MatMulShard shard : first.shards()) {
      int columns = shard.outputs();
      NativeBuffer memory = NativeBuffer.ofFloats((long) rows * columns);
      shards.add(
          new ShardOutput(
              shard.from(),
              columns,
              memory,
              memory.floats(0, (long) rows * columns),
              new RowTensors(environment, rows, memory, OnnxJavaType.FLOAT, columns)));
    }
    width = shards.stream().mapToInt(ShardOutput::columns).sum();
  }

  /** Computes this thread's shards for the first {@code rows} rows of activations. */
  void run(VectorWeights.ShardedMatMul matMul, QuantizedActivations inputs, int rows, int thread) {
    for (int i = thread; i < shards.size(); i += threads) {
      OnnxTensor output = shards.get(i).tensors().first(rows);
      matMul.shards().get(i).run(inputs.firstRows(rows, thread), output);
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
    for (int i = 0; i < shards.size(); i++) {
      ShardOutput shard = shards.get(i);
      shard.values().get(row * shard.columns(), into, to + shard.from(), shard.columns());
    }
  }

  @Override
  public void close() {
    shards.forEach(shard -> shard.tensors().close());
    shards.forEach(shard -> shard.memory().close());
  }
}
