package org.autodidact.engine.judge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.ScoringRequest;

/**
 * Asks a model which of two texts is better, without letting it write: the probabilities of {@code
 * A} and {@code B} after {@code "Better: "}, renormalized. Each question is asked once however
 * often it is needed.
 */
final class Comparisons {
  private static final List<String> NAMES = List.of("A", "B");

  private final Scorer scorer;
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, Double> found = new HashMap<>();
  private final List<ScoringRequest> open = new ArrayList<>();

  private Comparisons(Scorer scorer) {
    this.scorer = scorer;
  }

  /** Nothing asked yet. {@code judge} is named where the generator cannot read. */
  static Comparisons over(Generator generator, String judge) {
    return new Comparisons(Judges.scorer(generator, judge));
  }

  /**
   * Notes a question.
   *
   * @return after {@link #ask}, the probability that the first text is better, in [0, 1]
   */
  Supplier<Double> put(JudgeTemplate template, String... values) {
    Prompt unnamed = template.prompt("", values);
    int id = ids.computeIfAbsent(unnamed.instruction(), t -> ids.size());
    if (id == open.size()) {
      Prompt prompt =
          new Prompt(Integer.toString(id), unnamed.messages(), unnamed.templatePrefix());
      open.add(new ScoringRequest(prompt, "Better: ", NAMES, false));
    }
    return () -> found.get(id);
  }

  /** Answers all questions. */
  void ask(Cancellation cancellation) {
    cancellation.throwIfCancelled();
    scorer.score(
        open,
        scoring -> {
          double a = scoring.logProbabilities().get(0);
          double b = scoring.logProbabilities().get(1);
          found.put(Integer.valueOf(scoring.promptId()), 1 / (1 + Math.exp(b - a)));
        },
        cancellation);
  }
}
