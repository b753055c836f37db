package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtEnvironment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.RowTensors;
import org.autodidact.vectors.RowKernels;

/** A block's rows of products, each thread's columns apart. */
final class MatMulOutputs implements AutoCloseable {
  private final List<Int8MatMulShard> layout;
  private final List<FloatBuffer> values = new ArrayList<>();
  private final List<RowTensors> parts = new ArrayList<>();
  private final List<NativeBuffer> memories = new ArrayList<>();
  private final int threads;
  private final int width;

  /** {@code like}: a product that has the width of all that will be run. */
  MatMulOutputs(OrtEnvironment environment, int threads, int rows, VectorWeights.Product like) {
    this.threads = threads;
    layout = like.parts();
    width = layout.stream().mapToInt(Int8MatMulShard::outputs).sum();
    for (Int8MatMulShard part : layout) {
      NativeBuffer memory = NativeBuffer.ofFloats((long) rows * part.outputs());
      memories.add(memory);
      values.add(memory.floats(0, (long) rows * part.outputs()));
      parts.add(new RowTensors(environment, rows, memory, OnnxJavaType.FLOAT, part.outputs()));
    }
  }

  /** Computes this thread's columns; all, if it is alone. */
  void run(VectorWeights.Product product, QuantizedActivations bytes, int rows, int thread) {
    for (int i = thread; i < product.parts().size(); i += threads) {
      product.parts().get(i).run(bytes.first(rows, thread), parts.get(i).first(rows));
    }
  }

  /** Copies a row, with what its low bytes gave where it has such. */
  void get(int row, int low, float[] into, int at, RowKernels math, float[] rest) {
    get(row, into, at);
    if (low >= 0) {
      get(low, rest, 0);
      math.addRest(into, at, rest, width);
    }
  }

  private void get(int row, float[] into, int at) {
    for (int i = 0; i < values.size(); i++) {
      Int8MatMulShard part = layout.get(i);
      values.get(i).get(row * part.outputs(), into, at + part.from(), part.outputs());
    }
  }

  @Override
  public void close() {
    parts.forEach(RowTensors::close);
    memories.forEach(NativeBuffer::close);
  }
}
