package org.autodidact.onnxruntime.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HadamardRotationTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 32, 48, 128, 576, 640})
  void itIsOrthogonal(int size) {
    float[] q = HadamardRotation.of(size).matrix();
    for (int i = 0; i < size; i++) {
      for (int j = 0; j <= i; j++) {
        double dot = 0;
        for (int k = 0; k < size; k++) {
          dot += q[i * size + k] * q[j * size + k];
        }
        assertThat(dot).isCloseTo(i == j ? 1 : 0, within(1e-4));
      }
    }
  }

  /** To the bit: one row alone, and columns in slices. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 32, 576})
  void itIsTheSameHoweverItIsApplied(int size) {
    HadamardRotation rotation = HadamardRotation.of(size);
    Random random = new Random(1);
    float[][] rows = new float[size][700];
    for (float[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    float[][] columns = HadamardRotation.transposed(rows, 700);
    for (float[] column : columns) {
      rotation.applyToRow(column);
    }
    rotation.applyToAll(rows);
    assertThat(HadamardRotation.transposed(columns, size)).isEqualTo(rows);
    float[][] again = HadamardRotation.transposed(columns, size);
    float[][] sliced = HadamardRotation.transposed(columns, size);
    rotation.apply(again, 0);
    rotation.applyToAll(sliced);
    assertThat(sliced).isEqualTo(again);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 64})
  void hadamardIsItsOwnInverse(int size) {
    HadamardRotation hadamard = HadamardRotation.hadamard(size);
    float[] values = new float[3 * size];
    Random random = new Random(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    float[] twice = values.clone();
    hadamard.applyToAll(twice);
    hadamard.applyToAll(twice);
    assertThat(twice).containsExactly(values, within(1e-5f));
  }

  /** One channel that stands out is spread over all. */
  @org.junit.jupiter.api.Test
  void itSpreadsAPeak() {
    float[] values = new float[576];
    values[17] = 100;
    HadamardRotation.of(576).applyToAll(values);
    for (float v : values) {
      assertThat(Math.abs(v)).isLessThan(100 * 0.06f);
    }
  }
}
