package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.RowTensors;
import org.autodidact.onnxruntime.quantization.Calibration;
import org.autodidact.vectors.RowKernels;

/** A block's rows of bytes, which products read. */
final class QuantizedActivations implements AutoCloseable {
  private final int width;
  private final byte[] rounded;
  private final NativeBuffer memory;
  private final List<RowTensors> ofThread = new ArrayList<>();

  QuantizedActivations(OrtEnvironment environment, int threads, int rows, int width) {
    this.width = width;
    this.rounded = new byte[rows * width];
    this.memory = NativeBuffer.ofBytes((long) rows * width);
    for (int i = 0; i < threads; i++) {
      ofThread.add(new RowTensors(environment, rows, memory, OnnxJavaType.UINT8, width));
    }
  }

  void put(int row, byte[] values, int from) {
    memory.bytes().put(row * width, values, from, width);
  }

  /** Rounds and puts a row, and its low bytes where there is a row for them; its scale. */
  float round(int row, int low, float[] values, int from, RowKernels math) {
    float scale = math.round(values, from, width, rounded, row * width);
    put(row, rounded, row * width);
    if (low >= 0) {
      math.roundRest(values, from, width, rounded, row * width, rounded, low * width);
      put(low, rounded, low * width);
    }
    return scale;
  }

  /** Shows a row to somebody who looks on. */
  void show(
      VectorSession.Observer observer,
      Calibration.Input as,
      int layer,
      int token,
      int row,
      float scale) {
    observer.see(as, layer, token, rounded, row * width, width, scale);
  }

  OnnxTensor first(int rows, int thread) {
    return ofThread.get(thread).first(rows);
  }

  @Override
  public void close() {
    ofThread.forEach(RowTensors::close);
    memory.close();
  }
}
