package org.autodidact.api;

/**
 * Any failure that Autodidact reports on purpose. The message says what was expected, what was
 * found, where, and what to do.
 */
public class AutodidactException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public AutodidactException(String message) {
    super(message);
  }

  public AutodidactException(String message, Throwable cause) {
    super(message, cause);
  }
}
