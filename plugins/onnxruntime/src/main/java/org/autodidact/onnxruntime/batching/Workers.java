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
 * Runs workers side by side and hands what they find to the calling thread. The first failure, a
 * worker's or the taker's, stops all of them and reaches the caller when they have ended.
 */
public final class Workers {
  private Workers() {}

  /** Works until done, or until {@code cancellation} is set; not later than a token after that. */
  public interface Worker<T> {
    void run(Consumer<T> found, Cancellation cancellation);
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
    for (int open = workers.size(); open > 0; ) {
      try {
        Message<T> message = messages.poll(20, TimeUnit.MILLISECONDS);
        if (cancellation.isCancelled()) {
          stop.cancel();
        }
        if (message == null) {
          continue;
        }
        open -= message.found().isPresent() ? 0 : 1;
        Throwable worse = message.failure().orElse(null);
        if (failure == null || failure instanceof CancelledException && !interrupted) {
          failure = worse == null ? failure : worse;
        }
        if (failure == null) {
          message.found().ifPresent(results);
        }
      } catch (InterruptedException e) {
        // Said again only when the workers have ended: else the next wait would not wait for them.
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
      worker.run(found -> messages.add(new Message<>(Optional.of(found), Optional.empty())), stop);
      messages.add(new Message<>(Optional.empty(), Optional.empty()));
    } catch (Throwable e) {
      messages.add(new Message<>(Optional.empty(), Optional.of(e)));
    }
  }

  /** Something found; or the end of a worker, good or bad. */
  private record Message<T>(Optional<T> found, Optional<Throwable> failure) {}
}
