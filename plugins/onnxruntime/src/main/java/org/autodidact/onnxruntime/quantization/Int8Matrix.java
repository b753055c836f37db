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

  /**
   * Copies the columns {@code from} to {@code to} into rows of {@code width} bytes, from the {@code
   * at}th of each on.
   */
  public void copyColumns(int from, int to, ByteBuffer into, int at, int width) {
    ByteBuffer source = values.bytes();
    for (int k = 0; k < inputs; k++) {
      into.put(k * width + at, source, k * outputs + from, to - from);
    }
  }

  /** Arrays one after another. */
  public static float[] concat(float[]... arrays) {
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
