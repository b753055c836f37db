package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A training example that cannot be used; whoever read it from a file knows its line.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public final class InvalidExampleException extends InvalidInputException {
  private static final long serialVersionUID = 1L;

  private final boolean heldOut;
  private final int index;
  private final String what;

  /**
   * @param heldOut whether it is among the held-out examples
   * @param index its index among them, from 0
   * @param what is wrong with it, and what to do
   */
  public InvalidExampleException(boolean heldOut, int index, String what) {
    super((heldOut ? "held-out example " : "example ") + index + ": " + what);
    this.heldOut = heldOut;
    this.index = index;
    this.what = what;
  }

  public boolean heldOut() {
    return heldOut;
  }

  public int index() {
    return index;
  }

  /** The message without the example's index. */
  public String what() {
    return what;
  }
}
