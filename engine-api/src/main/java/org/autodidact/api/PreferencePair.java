package org.autodidact.api;

import java.util.Objects;

/**
 * One answer preferred to another.
 *
 * @param prompt what was asked
 * @param chosen the preferred candidate
 * @param rejected the other
 */
public record PreferencePair(Prompt prompt, JudgedCandidate chosen, JudgedCandidate rejected) {
  public PreferencePair {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(chosen, "chosen");
    Objects.requireNonNull(rejected, "rejected");
  }
}
