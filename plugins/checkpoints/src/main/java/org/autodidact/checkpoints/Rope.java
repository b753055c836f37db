package org.autodidact.checkpoints;

/** Rotary position embeddings (Su et al., 2021) with the scalings of the Llama family. */
public final class Rope {
  private Rope() {}

  /**
   * Angular frequency of each pair of dimensions, scaling applied.
   *
   * @return {@code headSize / 2} numbers, in float arithmetic as transformers computes them
   */
  public static float[] inverseFrequencies(ModelConfig config) {
    throw new UnsupportedOperationException();
  }

  /** Cosines, [positions × headSize / 2], row by row. */
  public static float[] cosines(ModelConfig config, int positions) {
    throw new UnsupportedOperationException();
  }

  /** Sines, [positions × headSize / 2], row by row. */
  public static float[] sines(ModelConfig config, int positions) {
    throw new UnsupportedOperationException();
  }
}
