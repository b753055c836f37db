package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The trainer and the generator compute other log-probabilities for the same tokens than their
 * rounding allows: one of them does not hold the model that the other does. What a run finished
 * stays.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class ModelsDisagreeException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public ModelsDisagreeException(String message) {
    super(message);
  }
}
