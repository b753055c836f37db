package org.autodidact.onnxruntime.vector;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.autodidact.api.AutodidactException;

/**
 * Threads that do one piece of work together, in step: the caller and its helpers, which wait for
 * the next piece and end with {@link #close()}. The steps of a decoder's layer take microseconds,
 * so that threads wait for one another awake, but not for long: the thread that is waited for may
 * need the core, where another process has the rest. One caller at a time.
 */
final class ThreadTeam implements AutoCloseable {
  /** Looks at what is waited for before a thread goes to sleep. */
  private static final int LOOKS = 2_000;

  /** The same between pieces of work. */
  private static final int LOOKS_BETWEEN = 20_000;

  private final int size;
  private final Thread[] threads;
  private final AtomicInteger arrived = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private final AtomicInteger asleep = new AtomicInteger();
  private IntConsumer work = thread -> {};
  private volatile int piece;
  private volatile int step;
  private volatile Throwable failure;
  private volatile boolean closed;

  ThreadTeam(int size) {
    this.size = size;
    this.threads = new Thread[size];
    for (int i = 1; i < size; i++) {
      int number = i;
      threads[i] = new Thread(() -> help(number), "autodidact-team-" + number);
      threads[i].setDaemon(true);
      threads[i].start();
    }
  }

  int size() {
    return size;
  }

  /** Runs {@code work} on each thread with the thread's number, and returns when all have ended. */
  void run(IntConsumer newWork) {
    arrived.set(0);
    failure = null;
    work = newWork;
    threads[0] = Thread.currentThread();
    busy.set(size - 1);
    piece++;
    wake();
    attempt(0);
    waitWhile(() -> busy.get() > 0, LOOKS);
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
  }

  /** Waits until all threads of the team are here. Only within {@link #run}. */
  void await() {
    int before = step;
    if (arrived.incrementAndGet() == size) {
      arrived.set(0);
      step = before + 1;
      wake();
      return;
    }
    waitWhile(() -> step == before && failure == null, LOOKS);
    if (step == before) {
      throw new AutodidactException("another thread of the team has failed", failure);
    }
  }

  private void waitWhile(BooleanSupplier waiting, int looks) {
    for (int i = 0; waiting.getAsBoolean(); i++) {
      if (i < looks) {
        Thread.onSpinWait();
        continue;
      }
      // Whoever ends the waiting looks for sleepers after, and this thread looks again before.
      asleep.incrementAndGet();
      if (waiting.getAsBoolean()) {
        LockSupport.park(this);
      }
      asleep.decrementAndGet();
    }
  }

  private void wake() {
    if (asleep.get() > 0) {
      for (Thread thread : threads) {
        LockSupport.unpark(thread);
      }
    }
  }

  private void attempt(int thread) {
    try {
      work.accept(thread);
    } catch (Throwable e) {
      synchronized (this) {
        if (failure == null) {
          failure = e;
        }
      }
      wake();
    }
  }

  private void help(int thread) {
    int done = 0;
    while (true) {
      int last = done;
      waitWhile(() -> piece == last && !closed, LOOKS_BETWEEN);
      if (closed) {
        return;
      }
      done = piece;
      attempt(thread);
      if (busy.decrementAndGet() == 0) {
        wake();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    wake();
  }
}
