package org.autodidact.engine.guards;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.autodidact.api.Candidate;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.api.PreferencePair;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.judge.JudgeTemplate;
import org.autodidact.engine.store.RunStore;
import org.autodidact.engine.text.RougeL;

/**
 * The metrics of an iterate: of its candidates, its judgements and its pairs. A metric without a
 * value, for example a mean of no scores, is left out.
 *
 * <ul>
 *   <li>{@code mean-score}, {@code score-deviation}: of its own candidates by its own judgement
 *   <li>{@code parse-failures}: share of judgement samples without a score
 *   <li>{@code unread-cut-off} and the other {@link JudgementSample.ParseFailure}: the same share
 *       by reason, those that occur
 *   <li>{@code named-scores}: share of its own candidates that state a score or give themselves a
 *       grade, which a judge is not shown
 *   <li>{@code mean-tokens}, {@code chosen-tokens}, {@code rejected-tokens}: length of candidates,
 *       and of the pairs' two sides
 *   <li>{@code truncated}: share of its own candidates that were cut off
 *   <li>{@code self-similarity}: ROUGE-L F1 of two candidates of a prompt, a mean over prompts; 1
 *       where all are the same
 *   <li>{@code agreement}: share of two candidates of a prompt that judge and generator order
 *       equally, the generator by the mean log-probability of a token; ties are left out; 0.5 is
 *       chance
 *   <li>{@code position-bias}: how many points an answer gets more for being shown first, where the
 *       judge compares
 *   <li>{@code pairs}, {@code pair-weight}: how many, and the mean of their weights
 *   <li>{@code handover-difference}, {@code handover-mean}: how far the generator's log-probability
 *       of a token lies from the trainer's, the largest mean of a probe without sign, and the mean
 *       of all; of models that were trained in the run
 *   <li>{@code evaluation-tokens}, {@code evaluation-self-similarity}: as without {@code
 *       evaluation}, of the prompts that every iterate answers
 * </ul>
 */
public final class IterateMetrics {
  private IterateMetrics() {}

  /** The metrics of an iterate whose pairs are selected. */
  public static SortedMap<String, Double> of(RunStore store, int iteration) {
    SortedMap<String, Double> metrics = new TreeMap<>();
    Map<Integer, List<Candidate>> own = store.iterations().ownCandidates(iteration);
    List<List<JudgedCandidate>> judged = new ArrayList<>();
    store
        .iterations()
        .judged(iteration)
        .forEach(
            (p, bySlot) ->
                judged.add(
                    bySlot.entrySet().stream()
                        .filter(e -> e.getKey() < own.getOrDefault(p, List.of()).size())
                        .map(Map.Entry::getValue)
                        .toList()));
    List<JudgedCandidate> all = judged.stream().flatMap(List::stream).toList();
    double[] scores =
        all.stream()
            .filter(j -> j.judgement().score().isPresent())
            .mapToDouble(j -> j.judgement().score().getAsDouble())
            .toArray();
    mean(metrics, "mean-score", DoubleStream.of(scores));
    if (scores.length > 0) {
      double mean = metrics.get("mean-score");
      mean(metrics, "score-deviation", DoubleStream.of(scores).map(s -> (s - mean) * (s - mean)));
      metrics.computeIfPresent("score-deviation", (k, v) -> Math.sqrt(v));
    }
    List<JudgementSample> samples =
        all.stream().flatMap(j -> j.judgement().samples().stream()).toList();
    mean(
        metrics,
        "parse-failures",
        samples.stream().mapToDouble(s -> s.score().isPresent() ? 0 : 1));
    JudgeMetrics.parseFailuresByReason(samples)
        .forEach((why, count) -> metrics.put("unread-" + why, count / (double) samples.size()));
    mean(
        metrics,
        "named-scores",
        own.values().stream()
            .flatMap(List::stream)
            .mapToDouble(c -> JudgeTemplate.namesScore(c.text()) ? 1 : 0));
    answers(metrics, "mean-tokens", "self-similarity", own.values());
    mean(
        metrics,
        "truncated",
        own.values().stream()
            .flatMap(List::stream)
            .mapToDouble(c -> c.finishReason().isTruncated() ? 1 : 0));
    mean(metrics, "agreement", judged.stream().flatMapToDouble(IterateMetrics::agreements));
    positionBias(metrics, samples);
    List<PreferencePair> pairs = store.iterations().pairs(iteration);
    mean(metrics, "chosen-tokens", tokens(pairs.stream().map(p -> p.chosen().candidate())));
    mean(metrics, "rejected-tokens", tokens(pairs.stream().map(p -> p.rejected().candidate())));
    mean(metrics, "pair-weight", lengths(pairs, PreferencePair::weight));
    metrics.put("pairs", (double) pairs.size());
    return metrics;
  }

  /** The metrics of its answers to the evaluation prompts, a list of answers for each prompt. */
  public static SortedMap<String, Double> ofAnswers(Collection<List<Candidate>> answers) {
    SortedMap<String, Double> metrics = new TreeMap<>();
    answers(metrics, "evaluation-tokens", "evaluation-self-similarity", answers);
    return metrics;
  }

  private static void answers(
      Map<String, Double> metrics,
      String tokens,
      String similarity,
      Collection<List<Candidate>> answers) {
    mean(metrics, tokens, tokens(answers.stream().flatMap(List::stream)));
    mean(
        metrics,
        similarity,
        answers.stream().mapToDouble(IterateMetrics::similarity).filter(s -> s >= 0));
  }

  private static DoubleStream lengths(
      Collection<PreferencePair> pairs, ToDoubleFunction<PreferencePair> of) {
    return pairs.stream().mapToDouble(of);
  }

  /** The lengths that are known. */
  private static DoubleStream tokens(Stream<Candidate> candidates) {
    return candidates.flatMapToInt(c -> c.tokenCount().stream()).asDoubleStream();
  }

  private static void mean(Map<String, Double> metrics, String name, DoubleStream values) {
    values.average().ifPresent(mean -> metrics.put(name, mean));
  }

  /** -1 for fewer than two candidates. */
  private static double similarity(List<Candidate> candidates) {
    List<List<String>> words = candidates.stream().map(c -> RougeL.words(c.text())).toList();
    double sum = 0;
    int pairs = 0;
    for (int i = 0; i < words.size(); i++) {
      for (int j = 0; j < i; j++) {
        boolean same = candidates.get(i).text().equals(candidates.get(j).text());
        sum += same ? 1 : RougeL.f1(words.get(i), words.get(j));
        pairs++;
      }
    }
    return pairs == 0 ? -1 : sum / pairs;
  }

  private static DoubleStream agreements(List<JudgedCandidate> candidates) {
    DoubleStream.Builder found = DoubleStream.builder();
    for (int i = 0; i < candidates.size(); i++) {
      for (int j = 0; j < i; j++) {
        JudgedCandidate a = candidates.get(i);
        JudgedCandidate b = candidates.get(j);
        if (a.judgement().score().isPresent() && b.judgement().score().isPresent()) {
          double judge = a.judgement().score().getAsDouble() - b.judgement().score().getAsDouble();
          double generator = perToken(a.candidate()) - perToken(b.candidate());
          if (judge != 0 && generator != 0 && !Double.isNaN(generator)) {
            found.add(judge > 0 == generator > 0 ? 1 : 0);
          }
        }
      }
    }
    return found.build();
  }

  /** Not a number where the generator does not know it. */
  private static double perToken(Candidate candidate) {
    return candidate.logProbability().orElse(Double.NaN)
        / Math.max(1, candidate.tokenCount().orElse(1));
  }

  private static void positionBias(Map<String, Double> metrics, List<JudgementSample> samples) {
    var first = scores(samples, Position.FIRST).average();
    var second = scores(samples, Position.SECOND).average();
    if (first.isPresent() && second.isPresent()) {
      metrics.put("position-bias", first.getAsDouble() - second.getAsDouble());
    }
  }

  private static DoubleStream scores(List<JudgementSample> samples, Position position) {
    return samples.stream()
        .filter(s -> s.position() == position && s.score().isPresent())
        .mapToDouble(s -> s.score().getAsDouble());
  }
}
