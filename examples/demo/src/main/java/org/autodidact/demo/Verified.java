package org.autodidact.demo;

import java.util.List;
import org.autodidact.engine.report.ExternalEvaluation;

/**
 * The scores of an iterate by the verifier, on tasks that training never sees.
 *
 * @param name M1, M2, …
 * @param scores points of five of each answer
 * @param judgePairwise how often its own judgement orders two of its answers as the verifier does,
 *     of pairs that the verifier does not call equal; a tie of the judge's counts half
 * @param judgedPairs how many such pairs there were
 * @param madePairs preference pairs that it made for the next iterate; −1 for the last
 * @param meanLength tokens an answer
 * @param examples a few answers, by task
 */
public record Verified(
    String name,
    List<Integer> scores,
    double judgePairwise,
    int judgedPairs,
    int madePairs,
    double meanLength,
    List<Example> examples) {

  /** A task, an answer and its points. */
  public record Example(String instruction, String answer, int points) {}

  /** Mean points of five. */
  public double mean() {
    return scores.stream().mapToInt(s -> s).average().orElseThrow();
  }

  /** Standard error of the mean. */
  public double standardError() {
    double mean = mean();
    double squares = scores.stream().mapToDouble(s -> (s - mean) * (s - mean)).sum();
    return Math.sqrt(squares / (scores.size() - 1) / scores.size());
  }

  /** Share of answers with all five points. */
  public double perfect() {
    return scores.stream().filter(s -> s == 5).count() / (double) scores.size();
  }

  /** Standard error of {@link #judgePairwise()}. */
  public double judgeError() {
    return Math.sqrt(judgePairwise * (1 - judgePairwise) / judgedPairs);
  }

  ExternalEvaluation facts() {
    return new ExternalEvaluation(
        name, mean(), standardError(), perfect(), judgePairwise, judgeError(), meanLength);
  }
}
