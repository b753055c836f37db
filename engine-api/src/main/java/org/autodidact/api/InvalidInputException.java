package org.autodidact.api;

/** The input cannot be used: a file, a setting, a request. */
public class InvalidInputException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public InvalidInputException(String message) {
    super(message);
  }

  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
