package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A checkpoint that is well-formed but that this implementation cannot run.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class UnsupportedModelException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public UnsupportedModelException(String message) {
    super(message);
  }

  public UnsupportedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
