package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * An answer to train on: token ids that a model sampled, or a text.
 *
 * @param text the answer without end of turn
 * @param tokens the token ids to train on, exactly these, a sampled end-of-turn token included;
 *     empty where the text is to be tokenized
 * @param ends whether the end-of-turn token is trained on after a text; no effect where there are
 *     tokens
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Answer(String text, List<Integer> tokens, boolean ends) {
  public Answer {
    Objects.requireNonNull(text, "text");
    tokens = List.copyOf(tokens);
  }

  /** A text that somebody wrote: it ends where it ends. */
  public static Answer written(String text) {
    return new Answer(text, List.of(), true);
  }

  /**
   * The sampled token ids as they are. A candidate without tokens is its text, and ends where its
   * finish reason says that the model ended it.
   */
  public static Answer sampled(Candidate candidate) {
    return new Answer(
        candidate.text(), candidate.tokens(), candidate.finishReason() == FinishReason.END_OF_TEXT);
  }
}
