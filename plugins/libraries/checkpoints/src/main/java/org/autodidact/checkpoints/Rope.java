package org.autodidact.checkpoints;

/** Rotary position embeddings (Su et al., 2021) with the scalings of the Llama family. */
public final class Rope {
  private Rope() {}

  /**
   * Angular frequency of each pair of dimensions, scaling applied.
   *
   * @return {@code headSize / 2} numbers, in float arithmetic as transformers computes them; all 0
   *     without RoPE
   */
  public static float[] inverseFrequencies(int headSize, ModelConfig.RopeSettings rope) {
    float[] frequencies = new float[headSize / 2];
    if (rope.equals(ModelConfig.RopeSettings.NONE)) {
      return frequencies;
    }
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (float) (2 * i) / headSize;
      float frequency = 1f / (float) Math.pow((float) rope.theta(), exponent);
      frequencies[i] = rope.scaling().map(s -> scaled(frequency, s)).orElse(frequency);
    }
    return frequencies;
  }

  private static float scaled(float frequency, ModelConfig.RopeScaling scaling) {
    float stretched = (float) (frequency / scaling.factor());
    if (scaling.type().equals("linear")) {
      return stretched;
    }
    // Llama 3.1: long waves are stretched, short ones kept, those between blended.
    double wave = 2 * Math.PI / frequency;
    double length = scaling.originalContextLength();
    if (wave > length / scaling.lowFrequencyFactor()) {
      return stretched;
    }
    if (wave < length / scaling.highFrequencyFactor()) {
      return frequency;
    }
    double smooth =
        (length / wave - scaling.lowFrequencyFactor())
            / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
    return (float) ((1 - smooth) * stretched + smooth * frequency);
  }

  /** Cosines, [positions × headSize / 2], row by row. */
  public static float[] cosines(int headSize, ModelConfig.RopeSettings rope, int positions) {
    return table(headSize, rope, positions, Math::cos);
  }

  /** Sines, [positions × headSize / 2], row by row. */
  public static float[] sines(int headSize, ModelConfig.RopeSettings rope, int positions) {
    return table(headSize, rope, positions, Math::sin);
  }

  private static float[] table(
      int headSize,
      ModelConfig.RopeSettings rope,
      int positions,
      java.util.function.DoubleUnaryOperator function) {
    float[] frequencies = inverseFrequencies(headSize, rope);
    float[] table = new float[Math.multiplyExact(positions, frequencies.length)];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < frequencies.length; i++) {
        float angle = p * frequencies[i];
        table[p * frequencies.length + i] = (float) function.applyAsDouble(angle);
      }
    }
    return table;
  }
}
