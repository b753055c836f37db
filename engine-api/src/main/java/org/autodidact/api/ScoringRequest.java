package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * Texts, or token ids, to be weighed as the model's own answer to a prompt.
 *
 * @param prompt what is asked; its id names the request
 * @param prefix how the answer begins in every continuation, tokenized apart; may be empty
 * @param continuations the texts to weigh, tokenized apart, none empty; at least one where there
 *     are no tokens
 * @param endOfText whether each continuation is closed by the model's end-of-turn token, which then
 *     counts
 * @param tokens token ids to weigh, exactly these, in place of {@code continuations}, which is then
 *     empty; the scoring has one log-probability for each list. Only of scorers that have a {@link
 *     Scorer#rounding}
 */
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

  /** Of texts. */
  public ScoringRequest(
      Prompt prompt, String prefix, List<String> continuations, boolean endOfText) {
    this(prompt, prefix, continuations, endOfText, List.of());
  }

  /** Of token ids that follow the prompt. */
  public static ScoringRequest ofTokens(Prompt prompt, List<List<Integer>> tokens) {
    return new ScoringRequest(prompt, "", List.of(), false, tokens);
  }

  /** How many are weighed. */
  public int count() {
    return continuations.size() + tokens.size();
  }
}
