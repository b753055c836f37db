package org.autodidact.onnxruntime.quantization;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.CancelledException;

/** Threads that open a model. */
public final class OpeningThreads {
  private OpeningThreads() {}

  /**
   * Calls {@code action} for each item, on so many threads, in the order given; returns, or throws
   * the first failure, once no call is left.
   *
   * @throws CancelledException where this thread is interrupted
   */
  public static <T> void forEach(List<T> items, int threads, Consumer<T> action) {
    ExecutorService pool = Executors.newFixedThreadPool(Math.max(1, threads));
    AtomicBoolean failed = new AtomicBoolean();
    try {
      List<Future<?>> calls = new ArrayList<>();
      for (T item : items) {
        calls.add(
            pool.submit(
                () -> {
                  if (failed.get()) {
                    return;
                  }
                  try {
                    action.accept(item);
                  } catch (RuntimeException | Error e) {
                    failed.set(true);
                    throw e;
                  }
                }));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("interrupted while the weights were opened", e);
    } catch (ExecutionException e) {
      throw unchecked(e);
    } finally {
      failed.set(true);
      pool.shutdownNow();
      awaitEnd(pool);
    }
  }

  /** What was computed on another thread; its failure is thrown as it is. */
  public static <T> T result(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      throw unchecked(e);
    }
  }

  private static RuntimeException unchecked(Exception wrapping) {
    if (wrapping.getCause() instanceof Error cause) {
      throw cause;
    }
    return wrapping.getCause() instanceof RuntimeException cause
        ? cause
        : new AutodidactException("a model cannot be opened: " + wrapping.getCause(), wrapping);
  }

  /** What the calls made is closed by the caller, once nothing more is made. */
  private static void awaitEnd(ExecutorService pool) {
    boolean interrupted = false;
    while (!pool.isTerminated()) {
      try {
        pool.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
