package org.autodidact.openai.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;

/**
 * Runs calls on threads of their own, in their order, some at a time, and hands their results to
 * the calling thread as they come. No more results wait for it than calls are at work at most: what
 * waits is lost where the process is killed.
 */
public final class Concurrently {
  private static final long JOIN_SECONDS = 5;

  private Concurrently() {}

  /** A call; once {@code isEnding} is true, it should not try again what fails. */
  @FunctionalInterface
  public interface Call<T> {
    T run(BooleanSupplier isEnding);
  }

  /**
   * A result or a failure; neither where a thread has nothing more to do, or where somebody should
   * look at the cancellation.
   */
  private record Event<T>(Optional<T> result, Optional<Throwable> failure, boolean isLast) {}

  /**
   * Runs until all is done. After the first failure no other call begins; those that are at work
   * end, their results are delivered, as they may have been paid for, and then the failure reaches
   * the caller. A cancellation and an exception of the consumer interrupt all.
   */
  public static <T> void run(
      int threads, List<Call<T>> calls, Consumer<T> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    BlockingQueue<Event<T>> events = new LinkedBlockingQueue<>();
    AtomicInteger next = new AtomicInteger();
    AtomicBoolean ending = new AtomicBoolean();
    Semaphore permits = new Semaphore(threads);
    List<Thread> workers = new ArrayList<>();
    for (int i = 0; i < Math.min(threads, calls.size()); i++) {
      Thread worker =
          new Thread(() -> work(calls, next, ending, permits, events), "autodidact-openai-" + i);
      worker.setDaemon(true);
      workers.add(worker);
    }
    Event<T> look = new Event<>(Optional.empty(), Optional.empty(), false);
    Optional<Throwable> failure = Optional.empty();
    Cancellation.Registration registered = cancellation.onCancel(() -> events.add(look));
    try {
      workers.forEach(Thread::start);
      for (int running = workers.size(); running > 0; ) {
        Event<T> event = take(events);
        cancellation.throwIfCancelled();
        if (event.result().isPresent()) {
          results.accept(event.result().get());
          permits.release();
        }
        failure = failure.or(event::failure);
        running -= event.isLast() ? 1 : 0;
      }
    } finally {
      registered.close();
      ending.set(true);
      permits.release(workers.size());
      stop(workers);
    }
    if (failure.isPresent()) {
      if (failure.get() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) failure.get();
    }
  }

  private static <T> Event<T> take(BlockingQueue<Event<T>> events) {
    try {
      return events.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("the thread was interrupted", e);
    }
  }

  private static <T> void work(
      List<Call<T>> calls,
      AtomicInteger next,
      AtomicBoolean ending,
      Semaphore permits,
      BlockingQueue<Event<T>> events) {
    try {
      while (true) {
        permits.acquireUninterruptibly();
        if (ending.get()) {
          break;
        }
        int i = next.getAndIncrement();
        if (i >= calls.size()) {
          break;
        }
        T result = calls.get(i).run(ending::get);
        events.add(new Event<>(Optional.of(result), Optional.empty(), false));
      }
      events.add(new Event<>(Optional.empty(), Optional.empty(), true));
    } catch (RuntimeException | Error e) {
      ending.set(true);
      events.add(new Event<>(Optional.empty(), Optional.of(e), true));
    }
  }

  /** Interrupts them and waits for them, so that no request outlives the call. */
  private static void stop(List<Thread> workers) {
    workers.forEach(Thread::interrupt);
    boolean interrupted = false;
    for (Thread worker : workers) {
      try {
        worker.join(TimeUnit.SECONDS.toMillis(JOIN_SECONDS));
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
