package org.autodidact.engine.evaluation;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample.Position;

/**
 * Two models' answers to the same prompts, head to head (paper, section 3.2.1).
 *
 * <ul>
 *   <li>{@code prompts}, {@code undecided}: how many, and how many of them lack a score
 *   <li>{@code wins}, {@code ties}, {@code losses}: of the first model
 *   <li>{@code win_rate}: (wins + ties / 2) / decided; {@code win_rate_low}, {@code win_rate_high}:
 *       its 95 % bootstrap interval over prompts
 *   <li>{@code length_controlled_win_rate} with its interval: what the win rate would be were the
 *       answers of equal length, by AlpacaEval 2's regression (Dubois et al., 2024) without its
 *       term for the prompt's difficulty: P(win) = σ(θ + φ tanh(Δ / sd(Δ))), Δ the difference in
 *       code points; θ and φ are held by a ridge of 0.01, so that they are finite
 *   <li>{@code mean_length_first}, {@code mean_length_second}: code points
 * </ul>
 */
public final class Duel {
  private static final double RIDGE = 0.01;
  private static final int NEWTON_STEPS = 100;

  private Duel() {}

  /**
   * One prompt.
   *
   * @param won 1 where the first model's answer is the better one, 0.5 for a tie, 0 where the
   *     second's is; empty where a judgement has no score
   */
  public record Comparison(String first, String second, OptionalDouble won) {
    public Comparison {
      Objects.requireNonNull(first, "first");
      Objects.requireNonNull(second, "second");
      Objects.requireNonNull(won, "won");
    }

    double longer() {
      return length(first) - (double) length(second);
    }
  }

  /**
   * Which answer is better. A judge that compares must prefer it in both orders, else it is a tie;
   * with any other the scores decide.
   *
   * @param first of the first answer, the second being its only rival
   * @param second of the second answer, the first being its only rival
   */
  public static OptionalDouble won(Judgement first, Judgement second, Scale scale) {
    if (first.score().isEmpty() || second.score().isEmpty()) {
      return OptionalDouble.empty();
    }
    double tie = (scale.lowest() + scale.highest()) / 2;
    List<Double> compared =
        first.samples().stream()
            .filter(s -> s.position() != Position.ALONE && s.score().isPresent())
            .map(s -> s.score().getAsDouble() - tie)
            .toList();
    double better = first.score().getAsDouble() - second.score().getAsDouble();
    if (compared.stream().anyMatch(s -> s > 0) && compared.stream().anyMatch(s -> s < 0)) {
      better = 0;
    }
    return OptionalDouble.of((1 + Math.signum(better)) / 2);
  }

  /** All metrics. */
  public static Map<String, Double> metrics(List<Comparison> all) {
    Comparison[] comparisons =
        all.stream().filter(b -> b.won().isPresent()).toArray(Comparison[]::new);
    double[] won = Arrays.stream(comparisons).mapToDouble(b -> b.won().getAsDouble()).toArray();
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("prompts", (double) all.size());
    metrics.put("undecided", (double) (all.size() - comparisons.length));
    metrics.put("wins", (double) Arrays.stream(won).filter(w -> w == 1).count());
    metrics.put("ties", (double) Arrays.stream(won).filter(w -> w == 0.5).count());
    metrics.put("losses", (double) Arrays.stream(won).filter(w -> w == 0).count());
    withInterval(
        metrics,
        "win_rate",
        won.length,
        indices -> Arrays.stream(indices).mapToDouble(i -> won[i]).average().orElse(Double.NaN));
    double[] lengths = Arrays.stream(comparisons).mapToDouble(Comparison::longer).toArray();
    withInterval(
        metrics,
        "length_controlled_win_rate",
        won.length,
        indices ->
            lengthControlled(
                Arrays.stream(indices).mapToDouble(i -> won[i]).toArray(),
                Arrays.stream(indices).mapToDouble(i -> lengths[i]).toArray()));
    metrics.put(
        "mean_length_first",
        all.stream().mapToInt(b -> length(b.first())).average().orElse(Double.NaN));
    metrics.put(
        "mean_length_second",
        all.stream().mapToInt(b -> length(b.second())).average().orElse(Double.NaN));
    return metrics;
  }

  private static void withInterval(
      Map<String, Double> metrics, String name, int units, ToDoubleFunction<int[]> statistic) {
    int[] each = new int[units];
    Arrays.setAll(each, i -> i);
    double[] interval =
        units == 0 ? new double[] {Double.NaN, Double.NaN} : Bootstrap.interval(units, statistic);
    metrics.put(name, units == 0 ? Double.NaN : statistic.applyAsDouble(each));
    metrics.put(name + "_low", interval[0]);
    metrics.put(name + "_high", interval[1]);
  }

  /** σ(θ) of the regression, by Newton's method; where no length differs, φ has nothing to do. */
  static double lengthControlled(double[] won, double[] longer) {
    double spread = new StandardDeviation(false).evaluate(longer);
    double[] x = Arrays.stream(longer).map(d -> spread == 0 ? 0 : Math.tanh(d / spread)).toArray();
    double theta = 0;
    double phi = 0;
    for (int step = 0; step < NEWTON_STEPS; step++) {
      double gradientTheta = -RIDGE * theta;
      double gradientPhi = -RIDGE * phi;
      double a = RIDGE;
      double b = 0;
      double c = RIDGE;
      for (int i = 0; i < won.length; i++) {
        double p = sigmoid(theta + phi * x[i]);
        double curvature = p * (1 - p);
        gradientTheta += won[i] - p;
        gradientPhi += (won[i] - p) * x[i];
        a += curvature;
        b += curvature * x[i];
        c += curvature * x[i] * x[i];
      }
      double determinant = a * c - b * b;
      double moveTheta = (c * gradientTheta - b * gradientPhi) / determinant;
      double movePhi = (a * gradientPhi - b * gradientTheta) / determinant;
      // A full step may overshoot where the probabilities are near 0 or 1.
      double most = Math.max(1, Math.max(Math.abs(moveTheta), Math.abs(movePhi)));
      theta += moveTheta / most;
      phi += movePhi / most;
      if (Math.abs(moveTheta) + Math.abs(movePhi) < 1e-12) {
        break;
      }
    }
    return sigmoid(theta);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
