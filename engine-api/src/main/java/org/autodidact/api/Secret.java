package org.autodidact.api;

import java.util.Objects;

/**
 * A password or key, from an environment variable. It does not show itself.
 *
 * @param value the secret; never written to a file, log or error
 */
public record Secret(String value) {
  public Secret {
    Objects.requireNonNull(value, "value");
  }

  /** Stars. */
  @Override
  public String toString() {
    return "***";
  }
}
