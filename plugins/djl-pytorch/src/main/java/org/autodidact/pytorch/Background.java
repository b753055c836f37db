package org.autodidact.pytorch;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;

/**
 * A task on a thread of its own. {@link #close()} asks it to stop and waits for its end, so that it
 * never outlives its caller.
 */
final class Background<T> implements AutoCloseable {
  private final CompletableFuture<T> result = new CompletableFuture<>();
  private final Thread thread;
  private volatile boolean stopped;

  private Background(String name, Task<T> task) {
    thread = new Thread(() -> run(task), name);
    thread.setDaemon(true);
  }

  /** The task. A long one polls {@code stopped} and ends early by any exception. */
  interface Task<T> {
    T run(BooleanSupplier stopped);
  }

  static <T> Background<T> start(String name, Task<T> task) {
    Background<T> background = new Background<>(name, task);
    background.thread.start();
    return background;
  }

  private void run(Task<T> task) {
    try {
      result.complete(task.run(() -> stopped));
    } catch (Throwable e) {
      result.completeExceptionally(e);
    }
  }

  /** Waits for the result, or throws what the task threw. */
  T get() {
    try {
      return result.join();
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
    // Not Thread.join(), which an interrupt would end: the task may read what is closed next.
    result.handle((value, failure) -> value).join();
  }
}
