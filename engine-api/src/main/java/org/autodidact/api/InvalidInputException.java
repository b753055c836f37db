package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The input cannot be used: a file, a setting, a request.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class InvalidInputException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public InvalidInputException(String message) {
    super(message);
  }

  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
