package org.autodidact.api;

/** The caller's {@link Cancellation} was set. What was finished before stays finished. */
public class CancelledException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public CancelledException() {
    super("cancelled");
  }

  public CancelledException(String message, Throwable cause) {
    super(message, cause);
  }
}
