package org.autodidact.onnxruntime.batching;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;

/**
 * Runs workers on threads of their own and hands their results to the calling thread. The first
 * failure, a worker's or the consumer's, stops all of them and reaches the caller when they ended.
 */
public final class Workers {
  private Workers() {}

  /** Runs until done or cancelled; it ends at most a decode step after the cancellation. */
  public interface Worker<T> {
    void run(Consumer<T> results, Cancellation cancellation);
  }

  public static <T> void run(
      List<Worker<T>> workers, Consumer<T> results, Cancellation cancellation) {
    if (workers.size() == 1) {
      workers.get(0).run(results, cancellation);
      return;
    }
    Cancellation stop = new Cancellation();
    BlockingQueue<Message<T>> messages = new LinkedBlockingQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (Worker<T> worker : workers) {
      threads.add(new Thread(() -> work(worker, messages, stop), "autodidact-" + threads.size()));
    }
    threads.forEach(Thread::start);
    Throwable failure = null;
    boolean interrupted = false;
    for (int running = workers.size(); running > 0; ) {
      try {
        Message<T> message = messages.poll(20, TimeUnit.MILLISECONDS);
        if (cancellation.isCancelled()) {
          stop.cancel();
        }
        if (message == null) {
          continue;
        }
        running -= message.result().isPresent() ? 0 : 1;
        Throwable reported = message.failure().orElse(null);
        if (failure == null || failure instanceof CancelledException && !interrupted) {
          failure = reported == null ? failure : reported;
        }
        if (failure == null) {
          message.result().ifPresent(results);
        }
      } catch (InterruptedException e) {
        // The flag is set again only when the workers ended, or the next poll would not wait.
        interrupted = true;
        failure = new CancelledException("interrupted while generating", e);
      } catch (RuntimeException | Error e) {
        failure = e;
      }
      if (failure != null) {
        stop.cancel();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw (RuntimeException) failure;
    }
    cancellation.throwIfCancelled();
  }

  private static <T> void work(
      Worker<T> worker, BlockingQueue<Message<T>> messages, Cancellation stop) {
    try {
      worker.run(
          result -> messages.add(new Message<>(Optional.of(result), Optional.empty())), stop);
      messages.add(new Message<>(Optional.empty(), Optional.empty()));
    } catch (Throwable e) {
      messages.add(new Message<>(Optional.empty(), Optional.of(e)));
    }
  }

  /** A result; or neither a result nor a failure at a worker's regular end. */
  private record Message<T>(Optional<T> result, Optional<Throwable> failure) {}
}
