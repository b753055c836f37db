package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The caller's {@link Cancellation} was set. What was finished before stays finished.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class CancelledException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public CancelledException() {
    super("cancelled");
  }

  public CancelledException(String message, Throwable cause) {
    super(message, cause);
  }
}
