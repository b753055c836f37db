package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * Weights of a projection, K inputs to N outputs, as signed bytes with a scale an output.
 *
 * @param inputs K
 * @param outputs N
 * @param inputMean mean of the activations, to be subtracted from them before they are quantized;
 *     the bias makes up for it; [K], or empty
 * @param values [K, N]
 * @param scales [N]
 * @param bias [N], or empty
 */
public record Int8Matrix(
    int inputs, int outputs, float[] inputMean, NativeBuffer values, float[] scales, float[] bias) {

  /** This matrix and another one that reads the same inputs, side by side, in new memory. */
  public Int8Matrix concat(Int8Matrix other) {
    int width = outputs + other.outputs;
    NativeBuffer both = NativeBuffer.ofBytes((long) inputs * width);
    ByteBuffer target = both.bytes();
    for (int k = 0; k < inputs; k++) {
      target.put(k * width, values.bytes(), k * outputs, outputs);
      target.put(k * width + outputs, other.values.bytes(), k * other.outputs, other.outputs);
    }
    return new Int8Matrix(
        inputs, width, inputMean, both, concat(scales, other.scales), concat(bias, other.bias));
  }

  /** A copy of the columns {@code from} to {@code to}, [K, to - from]. */
  public byte[] columns(int from, int to) {
    int width = to - from;
    byte[] copy = new byte[inputs * width];
    ByteBuffer source = values.bytes();
    for (int k = 0; k < inputs; k++) {
      source.get(k * outputs + from, copy, k * width, width);
    }
    return copy;
  }

  static float[] concat(float[]... arrays) {
    int length = 0;
    for (float[] array : arrays) {
      length += array.length;
    }
    float[] all = new float[length];
    int end = 0;
    for (float[] array : arrays) {
      System.arraycopy(array, 0, all, end, array.length);
      end += array.length;
    }
    return all;
  }
}
