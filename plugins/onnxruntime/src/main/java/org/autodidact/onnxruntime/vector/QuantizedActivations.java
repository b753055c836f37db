package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.RowTensors;
import org.autodidact.onnxruntime.quantization.ActivationObserver;
import org.autodidact.vectors.RowKernels;

/** Quantized activations of a tile of tokens, [rows, width] unsigned bytes, that matmuls read. */
final class QuantizedActivations implements AutoCloseable {
  private final int width;
  private final byte[] quantized;
  private final NativeBuffer memory;
  private final List<RowTensors> tensorsOfThreads = new ArrayList<>();

  QuantizedActivations(OrtEnvironment environment, int threads, int rows, int width) {
    this.width = width;
    this.quantized = new byte[rows * width];
    this.memory = NativeBuffer.ofBytes((long) rows * width);
    for (int i = 0; i < threads; i++) {
      tensorsOfThreads.add(new RowTensors(environment, rows, memory, OnnxJavaType.UINT8, width));
    }
  }

  void put(int row, byte[] values, int from) {
    memory.bytes().put(row * width, values, from, width);
  }

  /**
   * Quantizes a row of floats and puts it; returns its scale.
   *
   * @param lowRow the row for its low bytes, or -1 for 8 bits only
   */
  float quantize(int row, int lowRow, float[] values, int from, RowKernels kernels) {
    float scale = kernels.quantize(values, from, width, quantized, row * width);
    put(row, quantized, row * width);
    if (lowRow >= 0) {
      kernels.quantizeLow(values, from, width, quantized, row * width, quantized, lowRow * width);
      put(lowRow, quantized, lowRow * width);
    }
    return scale;
  }

  /** Shows a row that {@link #quantize} put. */
  void show(
      ActivationObserver observer,
      ActivationObserver.Site site,
      int layer,
      int token,
      int row,
      float scale) {
    observer.observe(site, layer, token, quantized, row * width, width, scale);
  }

  OnnxTensor firstRows(int rows, int thread) {
    return tensorsOfThreads.get(thread).first(rows);
  }

  @Override
  public void close() {
    tensorsOfThreads.forEach(RowTensors::close);
    memory.close();
  }
}
