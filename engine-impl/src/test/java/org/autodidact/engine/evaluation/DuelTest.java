package org.autodidact.engine.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.engine.evaluation.Duel.Comparison;
import org.junit.jupiter.api.Test;

class DuelTest {
  private static Judgement alone(double... scores) {
    List<JudgementSample> samples = new ArrayList<>();
    for (double score : scores) {
      samples.add(new JudgementSample(OptionalDouble.of(score), ""));
    }
    return Judgement.of("x", samples);
  }

  private static Judgement compared(double first, double second) {
    return Judgement.of(
        "x",
        List.of(
            new JudgementSample(OptionalDouble.of(first), "", Position.FIRST),
            new JudgementSample(OptionalDouble.of(second), "", Position.SECOND)));
  }

  @Test
  void scoresDecideUnlessTheOrderDoes() {
    assertThat(won(alone(3, 4), alone(3))).hasValue(1);
    assertThat(won(alone(2), alone(2))).hasValue(0.5);
    assertThat(won(alone(2), alone(3))).hasValue(0);
    assertThat(won(alone(), alone(3))).isEmpty();
    assertThat(won(compared(4, 3), compared(2, 1))).hasValue(1);
    assertThat(won(compared(4, 2), compared(3, 1))).as("first both times").hasValue(0.5);
    assertThat(won(compared(2, 1), compared(4, 3))).hasValue(0);
  }

  private static OptionalDouble won(Judgement first, Judgement second) {
    return Duel.won(first, second, Scale.FIVE_POINTS);
  }

  /** src/test/python/duel.py, scipy on the same comparisons. */
  @Test
  void theLengthControlledRateIsWhatScipyFinds() {
    assertThat(Duel.lengthControlled(won(5), longer(5))).isCloseTo(0.7879526537, within(1e-6));
    assertThat(Duel.lengthControlled(won(60), longer(60))).isCloseTo(0.7210150076, within(1e-6));
    assertThat(Duel.lengthControlled(new double[] {1, 1, 1, 1}, new double[] {1, 2, 3, 4}))
        .isCloseTo(0.9417472578, within(1e-6));
    assertThat(Duel.lengthControlled(new double[] {1, 0}, new double[] {7, 7}))
        .isCloseTo(0.5, within(1e-9));
  }

  @Test
  void longAnswersThatWinByTheirLengthAloneAreTakenBack() {
    List<Comparison> comparisons = new ArrayList<>();
    for (int i = 0; i < 80; i++) {
      boolean longer = i % 4 != 0;
      comparisons.add(
          new Comparison(
              longer ? "ä".repeat(200) : "short",
              longer ? "short" : "x".repeat(200),
              OptionalDouble.of(longer == (i % 10 != 0) ? 1 : 0)));
    }
    comparisons.add(new Comparison("a", "b", OptionalDouble.empty()));
    Map<String, Double> metrics = Duel.metrics(comparisons);
    assertThat(metrics).containsEntry("prompts", 81.0).containsEntry("undecided", 1.0);
    assertThat(metrics.get("wins") + metrics.get("losses")).isEqualTo(80);
    assertThat(metrics.get("win_rate")).isEqualTo(metrics.get("wins") / 80);
    assertThat(metrics.get("win_rate")).isGreaterThan(0.65);
    assertThat(metrics.get("length_controlled_win_rate")).isLessThan(metrics.get("win_rate"));
    assertThat(metrics.get("win_rate_low")).isLessThan(metrics.get("win_rate"));
    assertThat(metrics.get("win_rate_high")).isGreaterThan(metrics.get("win_rate"));
    assertThat(metrics.get("mean_length_first")).isGreaterThan(metrics.get("mean_length_second"));
    assertThat(Duel.metrics(List.of()).get("win_rate")).isNaN();
  }

  /** The comparisons of duel.py. */
  private static double[] won(int n) {
    double[][] rows = rows(n);
    return rows[0];
  }

  private static double[] longer(int n) {
    return rows(n)[1];
  }

  private static double[][] rows(int n) {
    double[][] rows = new double[2][n];
    long x = 12345;
    for (int i = 0; i < n; i++) {
      x = (1103515245L * x + 12345) % (1L << 31);
      rows[1][i] = x % 701 - 300;
      x = (1103515245L * x + 12345) % (1L << 31);
      double[] results = rows[1][i] < 0 ? new double[] {0, 0.5, 1, 1} : new double[] {0, 1, 1, 1};
      rows[0][i] = results[(int) (x >> 16) % 4];
    }
    return rows;
  }
}
