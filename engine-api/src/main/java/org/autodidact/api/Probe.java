package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * An answer that both the trainer and the generator score, to check that they compute the same
 * model.
 *
 * @param prompt the conversation before it
 * @param answer its tokens, or its text with or without an end of turn
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public record Probe(List<Message> prompt, Answer answer) {
  public Probe {
    prompt = List.copyOf(prompt);
    Objects.requireNonNull(answer, "answer");
  }

  /**
   * The log-probabilities that a trainer computed: natural logarithms, sums over the answer's
   * tokens.
   *
   * @param before under the base's weights as the trainer read them
   * @param after under the weights that it wrote, computed from its own memory and not from what it
   *     wrote
   * @param tokens tokens of the answer; 0 where the model's context does not hold the probe, and
   *     nothing was scored
   * @param rounding how far a token's log-probability, as a mean over {@code tokens}, may lie from
   *     that of exact arithmetic by the trainer's rounding, in nats, 0 or more
   */
  public record Result(double before, double after, int tokens, double rounding) {}
}
