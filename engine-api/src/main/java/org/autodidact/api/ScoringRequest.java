package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * Texts to be weighed as the model's own answer to a prompt.
 *
 * @param prompt what is asked; its id names the request
 * @param prefix how the answer begins in every continuation, tokenized apart; may be empty
 * @param continuations the texts to weigh, tokenized apart, at least one, none empty
 * @param endOfText whether each continuation is closed by the model's end-of-turn token, which then
 *     counts
 */
public record ScoringRequest(
    Prompt prompt, String prefix, List<String> continuations, boolean endOfText) {
  public ScoringRequest {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(prefix, "prefix");
    continuations = List.copyOf(continuations);
    if (continuations.isEmpty()
        || (!endOfText && continuations.stream().anyMatch(String::isEmpty))) {
      throw new InvalidInputException(
          "prompt '" + prompt.id() + "' has no continuation to score, or an empty one");
    }
  }
}
