package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The candidates that a pair is selected from.
 *
 * @param prompt what was asked
 * @param candidates the iterate's own candidates, judged by it
 * @param past candidates of an earlier iterate for the same prompt, judged by this one; empty
 *     unless the selector {@linkplain PairSelector.Need#PAST_CANDIDATES needs} them
 * @param future candidates of a future iterate, made by training on what is selected without them,
 *     for the same prompt, judged by this one; empty unless the selector {@linkplain
 *     PairSelector.Need#FUTURE_CANDIDATES needs} them, and while that iterate is not there
 * @param earlierScores the scores that the iterate before gives {@code candidates}, in their order;
 *     empty unless the selector {@linkplain PairSelector.Need#EARLIER_SCORES needs} them
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record SelectionRequest(
    Prompt prompt,
    List<JudgedCandidate> candidates,
    List<JudgedCandidate> past,
    List<JudgedCandidate> future,
    List<OptionalDouble> earlierScores) {
  public SelectionRequest {
    Objects.requireNonNull(prompt, "prompt");
    candidates = List.copyOf(candidates);
    past = List.copyOf(past);
    future = List.copyOf(future);
    earlierScores = List.copyOf(earlierScores);
    if (!earlierScores.isEmpty() && earlierScores.size() != candidates.size()) {
      throw new InvalidInputException(
          "prompt '"
              + prompt.id()
              + "' has "
              + candidates.size()
              + " candidates and "
              + earlierScores.size()
              + " earlier scores; give one each, or none");
    }
  }

  /** The iterate's candidates alone. */
  public SelectionRequest(Prompt prompt, List<JudgedCandidate> candidates) {
    this(prompt, candidates, List.of(), List.of(), List.of());
  }
}
