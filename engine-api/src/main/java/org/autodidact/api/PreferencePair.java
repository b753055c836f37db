package org.autodidact.api;

import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One answer preferred to another.
 *
 * @param prompt what was asked
 * @param chosen the preferred candidate
 * @param rejected the other
 * @param weight how far the preference is trusted, in [0, 1]; 1 unless the selector weights pairs
 *     (CREAM, Wang et al., 2024)
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record PreferencePair(
    Prompt prompt, JudgedCandidate chosen, JudgedCandidate rejected, double weight) {
  public PreferencePair {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(chosen, "chosen");
    Objects.requireNonNull(rejected, "rejected");
    if (!(weight >= 0 && weight <= 1)) {
      throw new InvalidInputException("a pair's weight must be in [0, 1], found " + weight);
    }
  }

  /** A preference that is trusted wholly. */
  public PreferencePair(Prompt prompt, JudgedCandidate chosen, JudgedCandidate rejected) {
    this(prompt, chosen, rejected, 1);
  }
}
