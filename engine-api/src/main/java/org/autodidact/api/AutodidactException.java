package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Any failure that Autodidact reports on purpose. The message says what was expected, what was
 * found, where, and what to do; it is one line of at most {@link ShownText#MESSAGE_LENGTH}
 * characters, as foreign text in it is shown by {@link ShownText}.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class AutodidactException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public AutodidactException(String message) {
    super(ShownText.message(message));
  }

  public AutodidactException(String message, Throwable cause) {
    super(ShownText.message(message), cause);
  }
}
