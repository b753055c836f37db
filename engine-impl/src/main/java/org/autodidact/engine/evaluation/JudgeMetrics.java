package org.autodidact.engine.evaluation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.apache.commons.math3.stat.correlation.KendallsCorrelation;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.engine.data.RankedInstruction.Answer;
import org.autodidact.engine.text.EnumNames;

/**
 * How well a judge agrees with a ranking of answers (paper, section 3.2.2 and table 4), by name. A
 * value that is not defined, as a mean over nothing, is NaN.
 *
 * <ul>
 *   <li>{@code instructions}, {@code responses}, {@code scored}: counts
 *   <li>{@code parse_failure_rate}: share of judgement samples without a score
 *   <li>{@code pairs}: two answers of an instruction, both scored, of different quality
 *   <li>{@code pairwise_accuracy}: share of pairs ordered as ranked, a tie of scores counting half;
 *       {@code pairwise_low}, {@code pairwise_high}: its 95 % bootstrap interval over instructions
 *   <li>{@code pairwise_accuracy_no_ties}: the same among pairs whose scores differ; {@code
 *       pairwise_ties}: share of pairs whose scores do not
 *   <li>{@code five_best}: of the answers given the scale's highest score, the share that no other
 *       answer of the instruction is ranked above
 *   <li>{@code exact_match}: of the instructions whose answers are all scored, the share whose
 *       every pair is ordered as ranked, a tie being wrong
 *   <li>{@code spearman}, {@code kendall} (τ<sub>b</sub>): means over the instructions where
 *       neither the scores nor the ranks are all equal
 *   <li>{@code length_bias}: share of the longer answer among untied pairs of different length by
 *       the judge, less that by the ranking; {@code score_length_spearman}: over all scored
 *       answers. Length is counted in code points
 *   <li>{@code position_bias}: mean score shown first less mean score shown second, as a share of
 *       the scale; for judges that compare
 *   <li>{@code calibration_error}, {@code brier}: of the predicted probability that the first of a
 *       pair is better, (1 + (score difference) / scale) / 2; the error is |confidence - accuracy|
 *       of the better-scored answer over ten bins from 0.5 to 1, weighted by their pairs
 * </ul>
 */
public final class JudgeMetrics {
  private static final Correlation SPEARMAN =
      (x, y) -> new SpearmansCorrelation().correlation(x, y);

  private static final int BINS = 10;
  private final Scale scale;
  private final List<JudgedInstruction> judged;

  private JudgeMetrics(Scale scale, List<JudgedInstruction> judged) {
    this.scale = scale;
    this.judged = judged;
  }

  /** All metrics of the judgements on this scale. */
  public static Map<String, Double> of(List<JudgedInstruction> judged, Scale scale) {
    return new JudgeMetrics(scale, judged).compute();
  }

  private Map<String, Double> compute() {
    Map<String, Double> metrics = new LinkedHashMap<>();
    List<Judgement> judgements = judged.stream().flatMap(j -> j.judgements().stream()).toList();
    List<JudgementSample> samples = judgements.stream().flatMap(j -> j.samples().stream()).toList();
    metrics.put("instructions", (double) judged.size());
    metrics.put("responses", (double) judgements.size());
    metrics.put("scored", (double) judgements.stream().filter(j -> j.score().isPresent()).count());
    metrics.put("parse_failure_rate", parseFailures(samples));
    List<List<Pair>> byInstruction = judged.stream().map(JudgeMetrics::pairs).toList();
    List<Pair> pairs = byInstruction.stream().flatMap(List::stream).toList();
    metrics.put("pairs", (double) pairs.size());
    metrics.put("pairwise_accuracy", mean(pairs.stream().mapToDouble(Pair::right)));
    double[] interval =
        judged.isEmpty()
            ? new double[] {Double.NaN, Double.NaN}
            : Bootstrap.interval(judged.size(), indices -> accuracy(byInstruction, indices));
    metrics.put("pairwise_low", interval[0]);
    metrics.put("pairwise_high", interval[1]);
    metrics.put(
        "pairwise_accuracy_no_ties",
        mean(pairs.stream().filter(Pair::untied).mapToDouble(Pair::right)));
    metrics.put("pairwise_ties", mean(pairs.stream().mapToDouble(p -> p.untied() ? 0 : 1)));
    metrics.put("five_best", mean(judged.stream().flatMapToDouble(this::fivesAreBest)));
    metrics.put(
        "exact_match",
        mean(judged.stream().filter(JudgeMetrics::complete).mapToDouble(JudgeMetrics::exact)));
    metrics.put("spearman", withRanking(SPEARMAN));
    metrics.put("kendall", withRanking((x, y) -> new KendallsCorrelation().correlation(x, y)));
    List<Pair> lengths = pairs.stream().filter(Pair::untied).filter(p -> p.longer() != 0).toList();
    metrics.put(
        "length_bias",
        mean(lengths.stream().mapToDouble(p -> p.score() > 0 == p.longer() > 0 ? 1 : 0))
            - mean(lengths.stream().mapToDouble(p -> p.longer() > 0 ? 1 : 0)));
    metrics.put("score_length_spearman", correlation(SPEARMAN, judged, a -> length(a.text())));
    metrics.put(
        "position_bias",
        (mean(scores(samples, Position.FIRST)) - mean(scores(samples, Position.SECOND))) / range());
    calibration(metrics, pairs);
    return metrics;
  }

  /** The share of judgement samples without a score; NaN of none. */
  public static double parseFailures(List<JudgementSample> samples) {
    return mean(samples.stream().mapToDouble(s -> s.score().isPresent() ? 0 : 1));
  }

  /** The number of judgement samples without a score, by the reason. */
  public static SortedMap<String, Integer> parseFailuresByReason(
      Collection<JudgementSample> samples) {
    SortedMap<String, Integer> counts = new TreeMap<>();
    samples.forEach(
        s -> s.parseFailure().ifPresent(u -> counts.merge(EnumNames.of(u), 1, Integer::sum)));
    return counts;
  }

  private double range() {
    return scale.highest() - scale.lowest();
  }

  /**
   * Two answers, the better-ranked first.
   *
   * @param score the first's score less the second's
   * @param longer the first's length less the second's
   */
  private record Pair(double score, int longer) {
    boolean untied() {
      return score != 0;
    }

    double right() {
      return score > 0 ? 1 : score == 0 ? 0.5 : 0;
    }
  }

  private static List<Pair> pairs(JudgedInstruction judged) {
    List<Pair> pairs = new ArrayList<>();
    List<Answer> answers = judged.ranked().answers();
    for (int i = 0; i < answers.size(); i++) {
      for (int j = 0; j < answers.size(); j++) {
        OptionalDouble a = judged.judgements().get(i).score();
        OptionalDouble b = judged.judgements().get(j).score();
        if (answers.get(i).quality() > answers.get(j).quality() && a.isPresent() && b.isPresent()) {
          pairs.add(
              new Pair(
                  a.getAsDouble() - b.getAsDouble(),
                  length(answers.get(i).text()) - length(answers.get(j).text())));
        }
      }
    }
    return pairs;
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  private static double accuracy(List<List<Pair>> byInstruction, int[] indices) {
    double right = 0;
    int pairs = 0;
    for (int i : indices) {
      for (Pair pair : byInstruction.get(i)) {
        right += pair.right();
        pairs++;
      }
    }
    return pairs == 0 ? Double.NaN : right / pairs;
  }

  private DoubleStream fivesAreBest(JudgedInstruction one) {
    double best =
        one.ranked().answers().stream().mapToDouble(Answer::quality).max().orElse(Double.NaN);
    DoubleStream.Builder found = DoubleStream.builder();
    for (int i = 0; i < one.judgements().size(); i++) {
      OptionalDouble score = one.judgements().get(i).score();
      if (score.isPresent() && score.getAsDouble() == scale.highest()) {
        found.add(one.ranked().answers().get(i).quality() == best ? 1 : 0);
      }
    }
    return found.build();
  }

  private static boolean complete(JudgedInstruction one) {
    return one.judgements().stream().allMatch(j -> j.score().isPresent());
  }

  private static double exact(JudgedInstruction one) {
    return pairs(one).stream().allMatch(p -> p.score() > 0) ? 1 : 0;
  }

  /** A correlation of two lists of numbers, NaN where one is constant. */
  private interface Correlation {
    double of(double[] x, double[] y);
  }

  /** The correlation of the scores with a number of each answer, over the answers with a score. */
  private static double correlation(
      Correlation correlation, List<JudgedInstruction> judged, ToDoubleFunction<Answer> number) {
    DoubleStream.Builder scores = DoubleStream.builder();
    DoubleStream.Builder numbers = DoubleStream.builder();
    for (JudgedInstruction one : judged) {
      for (int i = 0; i < one.judgements().size(); i++) {
        OptionalDouble score = one.judgements().get(i).score();
        if (score.isPresent()) {
          scores.add(score.getAsDouble());
          numbers.add(number.applyAsDouble(one.ranked().answers().get(i)));
        }
      }
    }
    double[] x = scores.build().toArray();
    return x.length < 2 ? Double.NaN : correlation.of(x, numbers.build().toArray());
  }

  /** The rank correlation of scores and ranking within an instruction, a mean over instructions. */
  private double withRanking(Correlation correlation) {
    return mean(
        judged.stream()
            .mapToDouble(one -> correlation(correlation, List.of(one), Answer::quality))
            .filter(x -> !Double.isNaN(x)));
  }

  private static DoubleStream scores(List<JudgementSample> samples, Position position) {
    return samples.stream()
        .filter(s -> s.position() == position && s.score().isPresent())
        .mapToDouble(s -> s.score().getAsDouble());
  }

  private void calibration(Map<String, Double> metrics, List<Pair> pairs) {
    double[] confidence = new double[BINS];
    double[] right = new double[BINS];
    double squares = 0;
    for (Pair pair : pairs) {
      double better = (1 + pair.score() / range()) / 2;
      squares += (1 - better) * (1 - better);
      double sure = Math.max(better, 1 - better);
      int bin = (int) Math.min(BINS - 1, Math.floor((sure - 0.5) * 2 * BINS));
      confidence[bin] += sure;
      right[bin] += pair.right();
    }
    double error = 0;
    for (int b = 0; b < BINS; b++) {
      error += Math.abs(confidence[b] - right[b]);
    }
    metrics.put("calibration_error", pairs.isEmpty() ? Double.NaN : error / pairs.size());
    metrics.put("brier", pairs.isEmpty() ? Double.NaN : squares / pairs.size());
  }

  private static double mean(DoubleStream values) {
    return values.average().orElse(Double.NaN);
  }
}
