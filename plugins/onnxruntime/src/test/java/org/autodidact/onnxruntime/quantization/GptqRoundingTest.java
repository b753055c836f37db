package org.autodidact.onnxruntime.quantization;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GptqRoundingTest {
  private static final int INPUTS = 96;
  private static final int OUTPUTS = 70;
  private final Random random = new Random(3);

  private float[][] gaussian(int rows, int width) {
    float[][] all = new float[rows][width];
    for (float[] row : all) {
      for (int i = 0; i < width; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    return all;
  }

  /** Inputs that lie for the most part along three directions. */
  private float[][] inputs(int rows) {
    float[][] directions = gaussian(3, INPUTS);
    float[][] all = gaussian(rows, INPUTS);
    for (float[] row : all) {
      double[] along = {3, random.nextGaussian(), random.nextGaussian()};
      for (int i = 0; i < INPUTS; i++) {
        for (int d = 0; d < 3; d++) {
          row[i] += (float) along[d] * directions[d][i];
        }
      }
    }
    return all;
  }

  private static double error(float[][] weights, Int8Matrix quantized, float[][] inputs) {
    double sum = 0;
    for (float[] row : inputs) {
      for (int n = 0; n < OUTPUTS; n++) {
        double off = 0;
        for (int k = 0; k < INPUTS; k++) {
          double value = quantized.values().bytes().get(k * OUTPUTS + n) * quantized.scales()[n];
          float mean = quantized.inputMean().length > 0 ? quantized.inputMean()[k] : 0;
          off += value * (row[k] - mean) - weights[n][k] * row[k];
        }
        off += quantized.bias().length > 0 ? quantized.bias()[n] : 0;
        sum += off * off;
      }
    }
    return sum / inputs.length / OUTPUTS;
  }

  private static Int8Matrix quantize(
      float[][] weights, boolean limitsPairs, ActivationStatistics statistics) {
    return GptqRounding.quantize(
        (from, count) ->
            HadamardRotation.transposed(Arrays.copyOfRange(weights, from, from + count), INPUTS),
        OUTPUTS,
        new float[0],
        limitsPairs,
        statistics);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void errorsAreKeptOffTheInputsDirections(boolean limitsPairs) {
    float[][] inputs = inputs(400);
    float[][] weights = gaussian(OUTPUTS, INPUTS);
    double with =
        error(weights, quantize(weights, limitsPairs, ActivationStatistics.of(inputs)), inputs);
    double without =
        error(weights, quantize(weights, limitsPairs, ActivationStatistics.none(INPUTS)), inputs);
    assertThat(with).isLessThan(without / 4);
  }

  @Test
  void noTwoNeighboursOverflow() {
    float[][] weights = gaussian(OUTPUTS, INPUTS);
    Int8Matrix m = quantize(weights, true, ActivationStatistics.of(inputs(100)));
    for (int n = 0; n < OUTPUTS; n++) {
      for (int k = 0; k < INPUTS; k += 2) {
        int a = m.values().bytes().get(k * OUTPUTS + n);
        int b = m.values().bytes().get((k + 1) * OUTPUTS + n);
        assertThat(255 * (Math.max(a, 0) + Math.max(b, 0))).isLessThanOrEqualTo(Short.MAX_VALUE);
        assertThat(255 * (Math.min(a, 0) + Math.min(b, 0))).isGreaterThanOrEqualTo(Short.MIN_VALUE);
      }
    }
  }
}
