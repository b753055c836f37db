package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.vectors.GptqKernel;
import org.autodidact.vectors.Int8;
import org.autodidact.vectors.VectorSupport;

/**
 * Quantizes a projection's weights to signed bytes by GPTQ (Frantar et al., 2022), one scale an
 * output. Later weights make up for the errors of earlier ones, so that little error is along the
 * principal directions of the inputs ({@link ActivationStatistics}); inputs and outputs stay as
 * they are.
 *
 * <p>Where the processor adds two products of unsigned and signed bytes in 16 bits, two neighbours
 * of one sign may be 128 together at most, which no input makes overflow: products are exact on
 * every processor. Weights are quantized more coarsely there, so that hardly a pair needs limiting.
 */
record GptqRounding(
    GptqRounding.Columns weights,
    boolean limitsPairs,
    ActivationStatistics statistics,
    GptqRounding.Factors factors,
    Int8Matrix result) {
  /** The most that two neighbours may be together where sums of two products have 16 bits. */
  private static final int MAX_PAIR = 128;

  /**
   * Quantization steps in the standard deviation of an output's weights, at most, where pairs are
   * limited: of 25 to 32, what left least of the differences between scores of 400 responses
   * (docs/measurements).
   */
  private static final float STEPS_IN_DEVIATION = 28;

  /**
   * Outputs that are quantized together: their float32 weights should stay in a core's cache, and
   * with fewer, vectorized loops hardly begin (of 64, 128, 256 and 512 not measured apart).
   */
  static final int OUTPUT_TILE = 128;

  /**
   * What errors are multiplied by, input by input.
   *
   * @param feedback [K × rank], {@link ActivationStatistics#feedback}
   * @param along coordinates of the principal directions, [K × rank]
   */
  record Factors(float[] feedback, float[] along) {
    static Factors of(ActivationStatistics statistics) {
      int rank = statistics.eigenvalues().length;
      float[] feedback = new float[statistics.inputs() * rank];
      float[] along = new float[feedback.length];
      float[][] rows = statistics.feedback();
      for (int k = 0; k < statistics.inputs(); k++) {
        for (int i = 0; i < rank; i++) {
          feedback[k * rank + i] = rows[k][i];
          along[k * rank + i] = statistics.directions()[i][k];
        }
      }
      return new Factors(feedback, along);
    }
  }

  /** Reads the weights of some outputs, so that a large matrix is never in memory as a whole. */
  interface Columns {
    /**
     * Weights of {@code count} outputs, at most a tile, from {@code from} on, [K, count or more];
     * to be changed, and to be had again when the next are asked for.
     */
    float[][] of(int from, int count);
  }

  /**
   * Quantizes the weights of N outputs.
   *
   * @param bias [N], or empty
   * @param limitsPairs whether sums of two products must fit into 16 bits
   */
  static Int8Matrix quantize(
      Columns weights,
      int outputs,
      float[] bias,
      boolean limitsPairs,
      ActivationStatistics statistics) {
    boolean centred = statistics.mean().length > 0;
    Int8Matrix result =
        new Int8Matrix(
            statistics.inputs(),
            outputs,
            statistics.mean(),
            NativeBuffer.ofBytes((long) outputs * statistics.inputs()),
            new float[outputs],
            centred && bias.length == 0 ? new float[outputs] : bias.clone());
    GptqRounding gptq =
        new GptqRounding(weights, limitsPairs, statistics, Factors.of(statistics), result);
    for (int from = 0; from < outputs; from += OUTPUT_TILE) {
      gptq.quantize(from, Math.min(OUTPUT_TILE, outputs - from));
    }
    return result;
  }

  /** Quantizes a tile of outputs, one row of inputs after another. */
  private void quantize(int from, int count) {
    float[][] scaled = weights.of(from, count);
    float[] mean = statistics.mean();
    for (int k = 0; k < mean.length; k++) {
      for (int n = 0; n < count; n++) {
        result.bias()[from + n] += scaled[k][n] * mean[k];
      }
    }
    float[] scale = scales(scaled, count);
    System.arraycopy(scale, 0, result.scales(), from, count);
    for (float[] row : scaled) {
      for (int n = 0; n < count; n++) {
        row[n] /= scale[n];
      }
    }
    if (VectorSupport.available()) {
      roundByVectors(scaled, from, count);
    } else {
      round(scaled, from, count);
    }
  }

  /** As {@link #round}, to the same bits. */
  private void roundByVectors(float[][] scaled, int from, int count) {
    int rank = statistics.eigenvalues().length;
    GptqKernel kernel = new GptqKernel(rank, MAX_PAIR);
    float[] exact = new float[GptqKernel.BLOCK];
    float[] target = new float[GptqKernel.BLOCK];
    byte[] quantized = new byte[GptqKernel.BLOCK];
    ByteBuffer bytes = result.values().bytes();
    for (int block = 0; block < count; block += GptqKernel.BLOCK) {
      kernel.begin();
      int length = Math.min(GptqKernel.BLOCK, count - block);
      for (int k = 0; k < scaled.length; k++) {
        System.arraycopy(scaled[k], block, exact, 0, length);
        System.arraycopy(exact, 0, target, 0, length);
        if (limitsPairs) {
          limitPairs(scaled[k], scaled[k ^ 1], block, target, length);
        }
        boolean second = limitsPairs && k % 2 == 1;
        kernel.round(
            exact, target, 0, factors.feedback(), factors.along(), k * rank, second, quantized, 0);
        bytes.put(k * result.outputs() + from + block, quantized, 0, length);
      }
    }
  }

  /** Rounds a tile of weights in quantization steps, one row of inputs after another. */
  private void round(float[][] scaled, int from, int count) {
    int outputs = result.outputs();
    int rank = statistics.eigenvalues().length;
    float[][] errors = new float[rank][count];
    float[] previous = new float[count];
    byte[] quantized = new byte[count];
    float[] target = new float[count];
    ByteBuffer bytes = result.values().bytes();
    for (int k = 0; k < scaled.length; k++) {
      float[] exact = scaled[k];
      System.arraycopy(exact, 0, target, 0, count);
      if (limitsPairs) {
        limitPairs(exact, scaled[k ^ 1], 0, target, count);
      }
      for (int i = 0; i < errors.length; i++) {
        float factor = factors.feedback()[k * rank + i];
        float[] error = errors[i];
        for (int n = 0; n < count; n++) {
          target[n] -= factor * error[n];
        }
      }
      boolean second = limitsPairs && k % 2 == 1;
      for (int n = 0; n < count; n++) {
        float step = (target[n] + Int8.ROUND_TO_INTEGER) - Int8.ROUND_TO_INTEGER;
        // Few are too large: predicted branches cost less than clamping all.
        if (step > Int8.MAX || step < -Int8.MAX) {
          step = Math.signum(step) * Int8.MAX;
        }
        if (second && Math.abs(step + previous[n]) > MAX_PAIR && step * previous[n] > 0) {
          step = Math.signum(step) * MAX_PAIR - previous[n];
        }
        target[n] = step;
      }
      for (int n = 0; n < count; n++) {
        quantized[n] = (byte) target[n];
        previous[n] = target[n];
        target[n] -= exact[n];
      }
      for (int i = 0; i < errors.length; i++) {
        float along = factors.along()[k * rank + i];
        float[] error = errors[i];
        for (int n = 0; n < count; n++) {
          error[n] += along * target[n];
        }
      }
      bytes.put(k * outputs + from, quantized);
    }
  }

  /** Shrinks both of a pair that is too large by the same amount. */
  private static void limitPairs(float[] one, float[] other, int from, float[] target, int count) {
    for (int n = 0; n < count; n++) {
      // Both have one sign, as neither is above 127.
      float sum = one[from + n] + other[from + n];
      if (sum > MAX_PAIR || sum < -MAX_PAIR) {
        target[n] -= (sum - Math.signum(sum) * MAX_PAIR) / 2;
      }
    }
  }

  /** The scale of each output of weights [K, count]. */
  private float[] scales(float[][] columns, int count) {
    float[] scales = new float[count];
    Arrays.fill(scales, Int8.MIN_RANGE);
    float[] squares = new float[scales.length];
    for (float[] row : columns) {
      for (int n = 0; n < scales.length; n++) {
        scales[n] = Math.max(scales[n], Math.abs(row[n]));
        squares[n] += row[n] * row[n];
      }
    }
    for (int n = 0; n < scales.length; n++) {
      float spread = (float) Math.sqrt(squares[n] / columns.length) * Int8.MAX / STEPS_IN_DEVIATION;
      scales[n] = (limitsPairs ? Math.max(scales[n], spread) : scales[n]) / Int8.MAX;
    }
    return scales;
  }
}
