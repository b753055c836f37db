package org.autodidact.api;

/** Loss or gradient became infinite or not a number. */
public class TrainingDivergedException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public TrainingDivergedException(String message) {
    super(message);
  }

  public TrainingDivergedException(String message, Throwable cause) {
    super(message, cause);
  }
}
