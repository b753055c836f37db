package org.autodidact.engine.guards;

import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import org.autodidact.api.Candidate;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.api.PreferencePair;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.judge.JudgeTemplate;
import org.autodidact.engine.store.IterationStore;
import org.autodidact.engine.store.PromptRange;
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
    IterationStore stored = store.iterations();
    Means means = new Means();
    Judged judged = new Judged(means);
    for (PromptRange portion : PromptRange.portions(stored.prompts(iteration).size())) {
      SortedMap<Integer, List<Candidate>> own = stored.ownCandidates(iteration, portion);
      for (List<Candidate> candidates : own.values()) {
        answers(means, "mean-tokens", "self-similarity", candidates);
        for (Candidate c : candidates) {
          means.add("named-scores", JudgeTemplate.namesScore(c.text()) ? 1 : 0);
          means.add("truncated", c.finishReason().isTruncated() ? 1 : 0);
        }
      }
      stored
          .judged(iteration, portion)
          .forEach(
              (p, byPosition) ->
                  judged.add(
                      byPosition.entrySet().stream()
                          .filter(e -> e.getKey() < own.getOrDefault(p, List.of()).size())
                          .map(Map.Entry::getValue)
                          .toList()));
    }
    List<PreferencePair> pairs = stored.pairs(iteration);
    for (PreferencePair pair : pairs) {
      tokens(means, "chosen-tokens", pair.chosen().candidate());
      tokens(means, "rejected-tokens", pair.rejected().candidate());
      means.add("pair-weight", pair.weight());
    }
    SortedMap<String, Double> metrics = means.values();
    judged.addTo(metrics);
    metrics.put("pairs", (double) pairs.size());
    return metrics;
  }

  /** The metrics of its answers to the evaluation prompts, a list of answers for each prompt. */
  public static SortedMap<String, Double> ofAnswers(Collection<List<Candidate>> answers) {
    Means means = new Means();
    answers.forEach(a -> answers(means, "evaluation-tokens", "evaluation-self-similarity", a));
    return means.values();
  }

  private static void answers(
      Means means, String tokens, String similarity, List<Candidate> answers) {
    answers.forEach(answer -> tokens(means, tokens, answer));
    double similar = similarity(answers);
    if (similar >= 0) {
      means.add(similarity, similar);
    }
  }

  /** Its length, where it is known. */
  private static void tokens(Means means, String name, Candidate candidate) {
    candidate.tokenCount().ifPresent(count -> means.add(name, count));
  }

  /** Means by name, of values that nobody keeps. */
  private static final class Means {
    private final SortedMap<String, DoubleSummaryStatistics> byName = new TreeMap<>();

    void add(String name, double value) {
      byName.computeIfAbsent(name, n -> new DoubleSummaryStatistics()).accept(value);
    }

    SortedMap<String, Double> values() {
      SortedMap<String, Double> values = new TreeMap<>();
      byName.forEach((name, all) -> values.put(name, all.getAverage()));
      return values;
    }
  }

  /** What is measured of judged candidates, prompt by prompt. */
  private static final class Judged {
    private final Means means;
    private final DoubleStream.Builder scores = DoubleStream.builder();
    private final SortedMap<String, Integer> unread = new TreeMap<>();
    private final Map<Position, DoubleSummaryStatistics> byPosition = new EnumMap<>(Position.class);
    private long samples;

    Judged(Means means) {
      this.means = means;
    }

    void add(List<JudgedCandidate> candidates) {
      for (JudgedCandidate candidate : candidates) {
        Judgement judgement = candidate.judgement();
        judgement
            .score()
            .ifPresent(
                score -> {
                  means.add("mean-score", score);
                  scores.accept(score);
                });
        samples += judgement.samples().size();
        JudgeMetrics.parseFailuresByReason(judgement.samples())
            .forEach((why, count) -> unread.merge(why, count, Integer::sum));
        for (JudgementSample sample : judgement.samples()) {
          means.add("parse-failures", sample.score().isPresent() ? 0 : 1);
          sample
              .score()
              .ifPresent(
                  byPosition.computeIfAbsent(
                      sample.position(), p -> new DoubleSummaryStatistics()));
        }
      }
      agreements(candidates).forEach(agrees -> means.add("agreement", agrees));
    }

    void addTo(SortedMap<String, Double> metrics) {
      unread.forEach((why, count) -> metrics.put("unread-" + why, count / (double) samples));
      if (metrics.containsKey("mean-score")) {
        double mean = metrics.get("mean-score");
        double variance = scores.build().map(s -> (s - mean) * (s - mean)).average().getAsDouble();
        metrics.put("score-deviation", Math.sqrt(variance));
      }
      if (byPosition.containsKey(Position.FIRST) && byPosition.containsKey(Position.SECOND)) {
        metrics.put(
            "position-bias",
            byPosition.get(Position.FIRST).getAverage()
                - byPosition.get(Position.SECOND).getAverage());
      }
    }
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
}
