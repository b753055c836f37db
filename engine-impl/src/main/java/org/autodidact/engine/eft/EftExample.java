package org.autodidact.engine.eft;

import java.util.Objects;

/**
 * A judgement to learn to write.
 *
 * @param judgement ends with {@code Score: n}
 * @param score n
 */
public record EftExample(String instruction, String response, String judgement, double score) {
  public EftExample {
    Objects.requireNonNull(instruction, "instruction");
    Objects.requireNonNull(response, "response");
    Objects.requireNonNull(judgement, "judgement");
  }
}
