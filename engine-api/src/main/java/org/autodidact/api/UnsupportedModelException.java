package org.autodidact.api;

/** A checkpoint that is well-formed but that this implementation cannot run. */
public class UnsupportedModelException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public UnsupportedModelException(String message) {
    super(message);
  }

  public UnsupportedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
