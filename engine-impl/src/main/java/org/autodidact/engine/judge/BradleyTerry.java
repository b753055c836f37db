package org.autodidact.engine.judge;

import java.util.Arrays;

/**
 * Strengths of things that were compared in pairs (Bradley and Terry, 1952): i beats j with
 * probability w<sub>i</sub> / (w<sub>i</sub> + w<sub>j</sub>). Fitted by Hunter's minorize-maximize
 * iteration (2004, section 3).
 */
final class BradleyTerry {
  private static final int ITERATIONS = 10_000;
  private static final double TOLERANCE = 1e-14;

  /** Half a tie: a quarter of a win for each side. */
  private static final double HALF_TIE = 0.25;

  private BradleyTerry() {}

  /**
   * The maximum-likelihood strengths, scaled to sum to 1. Half a tie is added to each pair, which
   * keeps the strengths finite where one won always.
   *
   * @param wins {@code wins[i][j]}: how often, or with what probability, i was preferred to j; 0 or
   *     more; the diagonal is not read
   */
  static double[] strengths(double[][] wins) {
    int n = wins.length;
    double[] strength = new double[n];
    Arrays.fill(strength, 1.0 / n);
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
      double[] next = new double[n];
      for (int i = 0; i < n; i++) {
        double won = 0;
        double weight = 0;
        for (int j = 0; j < n; j++) {
          if (j != i) {
            won += wins[i][j] + HALF_TIE;
            weight += (wins[i][j] + wins[j][i] + 2 * HALF_TIE) / (strength[i] + strength[j]);
          }
        }
        next[i] = won / weight;
      }
      double sum = Arrays.stream(next).sum();
      double change = 0;
      for (int i = 0; i < n; i++) {
        next[i] /= sum;
        change = Math.max(change, Math.abs(next[i] - strength[i]));
      }
      strength = next;
      if (change < TOLERANCE) {
        break;
      }
    }
    return strength;
  }
}
