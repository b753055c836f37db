package org.autodidact.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A flag that one thread sets and a long call reads, or waits for. Thread-safe.
 *
 * <p>What polls asks {@link #isCancelled()}; what waits for a process or a server registers how to
 * wake it by {@link #onCancel}, or sleeps by {@link #await}.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public final class Cancellation {
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final Map<Object, Runnable> actions = new LinkedHashMap<>();

  /** A new flag, not set. */
  public Cancellation() {}

  /** Sets the flag, and runs what is registered on this thread. */
  public void cancel() {
    List<Runnable> due;
    synchronized (actions) {
      cancelled.countDown();
      due = new ArrayList<>(actions.values());
      actions.clear();
    }
    due.forEach(Runnable::run);
  }

  public boolean isCancelled() {
    return cancelled.getCount() == 0;
  }

  /** Throws {@link CancelledException} where the flag is set. */
  public void throwIfCancelled() {
    if (isCancelled()) {
      throw new CancelledException();
    }
  }

  /**
   * Registers what is run once, by the thread that sets the flag; at once where it is set.
   *
   * @param action quick, as to close a connection or to destroy a process; must not throw
   * @return closing it takes the action back
   */
  public Registration onCancel(Runnable action) {
    Objects.requireNonNull(action, "action");
    Object key = new Object();
    synchronized (actions) {
      if (!isCancelled()) {
        actions.put(key, action);
        return () -> {
          synchronized (actions) {
            actions.remove(key);
          }
        };
      }
    }
    action.run();
    return () -> {};
  }

  /**
   * Waits until the flag is set, at most so long.
   *
   * @return whether it is set
   * @throws CancelledException where the thread is interrupted, whose flag stays set
   */
  public boolean await(Duration duration) {
    try {
      return cancelled.await(duration.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("the thread was interrupted", e);
    }
  }

  /** An action that is registered. */
  public interface Registration extends AutoCloseable {
    @Override
    void close();
  }
}
