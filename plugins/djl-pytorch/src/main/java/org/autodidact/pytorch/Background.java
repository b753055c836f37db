package org.autodidact.pytorch;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;

/**
 * Work on a thread of its own. {@link #close()} asks it to stop and waits for its end: whatever
 * happens to the caller, nothing goes on after it.
 */
final class Background<T> implements AutoCloseable {
  private final CompletableFuture<T> found = new CompletableFuture<>();
  private final Thread thread;
  private volatile boolean stopped;

  private Background(String name, Work<T> work) {
    thread = new Thread(() -> run(work), name);
    thread.setDaemon(true);
  }

  /** What is to be done. Long work asks {@code stopped} and ends early by any exception. */
  interface Work<T> {
    T run(BooleanSupplier stopped);
  }

  static <T> Background<T> start(String name, Work<T> work) {
    Background<T> background = new Background<>(name, work);
    background.thread.start();
    return background;
  }

  private void run(Work<T> work) {
    try {
      found.complete(work.run(() -> stopped));
    } catch (Throwable e) {
      found.completeExceptionally(e);
    }
  }

  /** Waits for the result, or throws what the work threw. */
  T get() {
    try {
      return found.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException known ? known : e;
    }
  }

  @Override
  public void close() {
    stopped = true;
    // Not Thread.join(), which an interrupt would end: the work may read what is closed next.
    found.handle((value, failure) -> value).join();
  }
}
