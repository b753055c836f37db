package org.autodidact.api;

import java.util.concurrent.atomic.AtomicBoolean;

/** A flag that one thread sets and a long call reads. Thread-safe. */
public final class Cancellation {
  private final AtomicBoolean cancelled = new AtomicBoolean();

  /** A new flag, not set. */
  public Cancellation() {}

  public void cancel() {
    cancelled.set(true);
  }

  public boolean isCancelled() {
    return cancelled.get();
  }

  /** Throws {@link CancelledException} where the flag is set. */
  public void throwIfCancelled() {
    if (isCancelled()) {
      throw new CancelledException();
    }
  }
}
