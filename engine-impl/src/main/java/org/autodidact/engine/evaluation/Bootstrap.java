package org.autodidact.engine.evaluation;

import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/** Bootstrap intervals: the units of a sample are resampled with replacement (Efron, 1979). */
final class Bootstrap {
  private static final int RESAMPLES = 2000;
  private static final long SEED = 20240118;

  private Bootstrap() {}

  /**
   * The 95 % percentile interval of a statistic; always the same for the same input.
   *
   * @param units the size of the sample, at least 1
   * @param statistic of the indices of the resampled units
   * @return lower and upper end; NaN where the statistic was never a number
   */
  static double[] interval(int units, ToDoubleFunction<int[]> statistic) {
    Random random = new Random(SEED);
    double[] found = new double[RESAMPLES];
    int[] indices = new int[units];
    for (int r = 0; r < RESAMPLES; r++) {
      for (int i = 0; i < units; i++) {
        indices[i] = random.nextInt(units);
      }
      found[r] = statistic.applyAsDouble(indices);
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
