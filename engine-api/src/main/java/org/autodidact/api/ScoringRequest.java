package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Texts, or token ids, whose log-probability as the answer to a prompt is asked for.
 *
 * @param prompt what is asked; its id names the request
 * @param prefix how the answer begins in every continuation, tokenized on its own; may be empty
 * @param continuations the texts to score, tokenized on their own, none empty; at least one where
 *     there are no tokens
 * @param endOfText whether the end-of-turn token of the model follows each continuation and is
 *     scored with it
 * @param tokens token ids to score, exactly these, in place of {@code continuations}, which is then
 *     empty; the scoring has one log-probability for each list. Only for scorers that have a {@link
 *     Scorer#rounding}
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record ScoringRequest(
    Prompt prompt,
    String prefix,
    List<String> continuations,
    boolean endOfText,
    List<List<Integer>> tokens) {
  public ScoringRequest {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(prefix, "prefix");
    continuations = List.copyOf(continuations);
    tokens = tokens.stream().map(List::copyOf).toList();
    if (continuations.isEmpty() == tokens.isEmpty()
        || tokens.stream().anyMatch(List::isEmpty)
        || (!endOfText && continuations.stream().anyMatch(String::isEmpty))) {
      throw new InvalidInputException(
          "prompt '" + prompt.id() + "' has no continuation to score, or an empty one");
    }
  }

  /** Scores texts. */
  public ScoringRequest(
      Prompt prompt, String prefix, List<String> continuations, boolean endOfText) {
    this(prompt, prefix, continuations, endOfText, List.of());
  }

  /** Scores token ids that follow the prompt. */
  public static ScoringRequest ofTokens(Prompt prompt, List<List<Integer>> tokens) {
    return new ScoringRequest(prompt, "", List.of(), false, tokens);
  }

  /** How many continuations are scored. */
  public int count() {
    return continuations.size() + tokens.size();
  }
}
