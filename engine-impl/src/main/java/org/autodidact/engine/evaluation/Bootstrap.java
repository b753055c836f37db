package org.autodidact.engine.evaluation;

import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/** Intervals by drawing the units of a sample again with replacement (Efron, 1979). */
final class Bootstrap {
  private static final int DRAWS = 2000;
  private static final long SEED = 20240118;

  private Bootstrap() {}

  /**
   * The 95 % percentile interval of a statistic; always the same for the same input.
   *
   * @param units how many there are to draw from, at least 1
   * @param statistic of the drawn units' indices
   * @return lower and upper end; NaN where the statistic was never a number
   */
  static double[] interval(int units, ToDoubleFunction<int[]> statistic) {
    Random random = new Random(SEED);
    double[] found = new double[DRAWS];
    int[] drawn = new int[units];
    for (int d = 0; d < DRAWS; d++) {
      for (int i = 0; i < units; i++) {
        drawn[i] = random.nextInt(units);
      }
      found[d] = statistic.applyAsDouble(drawn);
    }
    double[] numbers = Arrays.stream(found).filter(x -> !Double.isNaN(x)).toArray();
    if (numbers.length == 0) {
      return new double[] {Double.NaN, Double.NaN};
    }
    Percentile percentile = new Percentile();
    percentile.setData(numbers);
    return new double[] {percentile.evaluate(2.5), percentile.evaluate(97.5)};
  }
}
