package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * An answer to judge.
 *
 * @param id unique within a call
 * @param prompt the whole conversation that was answered, with its id and the other fields of the
 *     line that it was read from
 * @param response what was answered; may be empty
 * @param seeds one a judgement sample, at least one; a judge that does not sample ignores them
 * @param rivals other answers to the same instruction, for judges that compare; others ignore them
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record JudgementRequest(
    String id, Prompt prompt, String response, List<Long> seeds, List<String> rivals) {
  public JudgementRequest {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(response, "response");
    seeds = List.copyOf(seeds);
    rivals = List.copyOf(rivals);
    if (seeds.isEmpty()) {
      throw new InvalidInputException("judgement '" + id + "' has no seed; give at least one");
    }
  }

  /** An answer without rivals to a prompt that is one user message. */
  public JudgementRequest(String id, String instruction, String response, List<Long> seeds) {
    this(id, Prompt.of(id, instruction), response, seeds, List.of());
  }

  /** What was asked, as one text: {@link Message#transcript}. */
  public String instruction() {
    return Message.transcript(prompt.messages());
  }
}
