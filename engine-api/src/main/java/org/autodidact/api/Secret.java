package org.autodidact.api;

import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A password or key, from an environment variable. It does not show itself.
 *
 * @param value the secret; never written to a file, log or error
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
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
