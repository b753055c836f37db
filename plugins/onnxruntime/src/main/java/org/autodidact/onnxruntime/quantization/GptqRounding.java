package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * Rounds a product's weights to signed bytes, one scale an output. The error of a weight is made
 * good in those that follow it, so that little of it lies along the directions that inputs point in
 * ({@link ActivationStatistics}); inputs and outputs stay as they are.
 *
 * <p>Where the processor adds two products of unsigned and signed bytes in 16 bits, two neighbours
 * of one sign may be 128 together at most, which no input makes too large: products are exact on
 * every processor. Rows are rounded more coarsely there, so that hardly a pair has to be made
 * smaller.
 */
final class GptqRounding {
  private static final int LEVELS = 127;

  /** The most that two neighbours may be together where sums of two products have 16 bits. */
  private static final int PAIR = 128;

  /**
   * Steps in the standard deviation of an output's weights, at most, there: of 25 to 32, what left
   * least of the differences between scores of 400 responses (docs/measurements).
   */
  private static final float SPREAD = 28;

  /** Outputs that are rounded together: in fewer, the compiler's vectors hardly begin. */
  private static final int OUTPUTS = 512;

  /** Added to a number below 2²² and taken away again, leaves it rounded. */
  private static final float INTEGER = 12582912f;

  private final Columns weights;
  private final int inputs;
  private final boolean paired;
  private final float[][] vectors;
  private final float[][] factors;
  private final float[] scales;
  private final float[] centre;
  private final float[] bias;
  private final NativeBuffer values;

  /** Weights of some outputs, so that a large matrix need not be there as a whole. */
  interface Columns {
    /**
     * Those of {@code count} outputs from the {@code from}th on, [inputs, count], to be changed.
     */
    float[][] of(int from, int count);
  }

  private GptqRounding(
      Columns weights,
      int outputs,
      float[] ownBias,
      boolean paired,
      ActivationStatistics directions) {
    this.weights = weights;
    this.inputs = directions.inputs();
    this.paired = paired;
    this.vectors = directions.vectors();
    this.factors = directions.factors();
    this.scales = new float[outputs];
    this.centre = directions.centre();
    this.bias = centre.length > 0 && ownBias.length == 0 ? new float[outputs] : ownBias.clone();
    this.values = NativeBuffer.ofBytes((long) outputs * inputs);
  }

  /**
   * Rounds.
   *
   * @param bias [outputs], or empty
   * @param paired whether sums of two products must fit into 16 bits
   */
  static Int8Weights.Matrix round(
      Columns weights, int outputs, float[] bias, boolean paired, ActivationStatistics directions) {
    GptqRounding rounding = new GptqRounding(weights, outputs, bias, paired, directions);
    for (int from = 0; from < outputs; from += OUTPUTS) {
      rounding.round(from, Math.min(OUTPUTS, outputs - from));
    }
    return new Int8Weights.Matrix(
        directions.inputs(),
        outputs,
        directions.centre(),
        rounding.values,
        rounding.scales,
        rounding.bias);
  }

  private void round(int from, int count) {
    float[][] steps = weights.of(from, count);
    for (int k = 0; k < centre.length; k++) {
      for (int n = 0; n < count; n++) {
        bias[from + n] += steps[k][n] * centre[k];
      }
    }
    float[] scale = scales(steps);
    System.arraycopy(scale, 0, scales, from, count);
    for (float[] row : steps) {
      for (int n = 0; n < count; n++) {
        row[n] /= scale[n];
      }
    }
    int outputs = scales.length;
    float[][] errors = new float[vectors.length][count];
    float[] before = new float[count];
    byte[] rounded = new byte[count];
    float[] target = new float[count];
    ByteBuffer bytes = values.bytes();
    for (int k = 0; k < inputs; k++) {
      float[] exact = steps[k];
      System.arraycopy(exact, 0, target, 0, count);
      if (paired) {
        makeRoom(exact, steps[k ^ 1], target);
      }
      for (int i = 0; i < errors.length; i++) {
        float factor = factors[k][i];
        float[] error = errors[i];
        for (int n = 0; n < count; n++) {
          target[n] -= factor * error[n];
        }
      }
      boolean second = paired && k % 2 == 1;
      for (int n = 0; n < count; n++) {
        float step = (target[n] + INTEGER) - INTEGER;
        // Few are too large: the branches are foretold, where bounds would be computed for all.
        if (step > LEVELS || step < -LEVELS) {
          step = Math.signum(step) * LEVELS;
        }
        if (second && Math.abs(step + before[n]) > PAIR && step * before[n] > 0) {
          step = Math.signum(step) * PAIR - before[n];
        }
        target[n] = step;
      }
      for (int n = 0; n < count; n++) {
        rounded[n] = (byte) target[n];
        before[n] = target[n];
        target[n] -= exact[n];
      }
      for (int i = 0; i < errors.length; i++) {
        float along = vectors[i][k];
        float[] error = errors[i];
        for (int n = 0; n < count; n++) {
          error[n] += along * target[n];
        }
      }
      bytes.put(k * outputs + from, rounded);
    }
  }

  /** Both of a pair that is too large give way by the same. */
  private static void makeRoom(float[] one, float[] other, float[] target) {
    for (int n = 0; n < target.length; n++) {
      // Both are of one sign, as none is above 127.
      float sum = one[n] + other[n];
      if (sum > PAIR || sum < -PAIR) {
        target[n] -= (sum - Math.signum(sum) * PAIR) / 2;
      }
    }
  }

  /** The scale of each output, of weights [inputs, outputs]. */
  private float[] scales(float[][] columns) {
    float[] most = new float[columns[0].length];
    Arrays.fill(most, 1e-12f);
    float[] squares = new float[most.length];
    for (float[] row : columns) {
      for (int n = 0; n < most.length; n++) {
        most[n] = Math.max(most[n], Math.abs(row[n]));
        squares[n] += row[n] * row[n];
      }
    }
    for (int n = 0; n < most.length; n++) {
      float spread = (float) Math.sqrt(squares[n] / inputs) * LEVELS / SPREAD;
      most[n] = (paired ? Math.max(most[n], spread) : most[n]) / LEVELS;
    }
    return most;
  }
}
