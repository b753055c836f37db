package org.autodidact.api;

/**
 * The trainer and the generator compute other log-probabilities for the same tokens than their
 * rounding allows: one of them does not hold the model that the other does. What a run finished
 * stays.
 */
public final class ModelsDisagreeException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public ModelsDisagreeException(String message) {
    super(message);
  }
}
