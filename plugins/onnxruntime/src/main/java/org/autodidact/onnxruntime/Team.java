package org.autodidact.onnxruntime;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.autodidact.api.AutodidactException;

/**
 * Threads that do one piece of work together, in step: the caller and its helpers, which wait for
 * the next piece and end with {@link #close()}. The steps of a decoder's layer take microseconds,
 * so that threads wait for one another awake. One caller at a time.
 */
final class Team implements AutoCloseable {
  /** Looks at a flag before the core is offered to others, and before a helper goes to sleep. */
  private static final int LOOKS = 2_000;

  private static final int LOOKS_AWAKE = 20_000;

  private final int size;
  private final Thread[] helpers;
  private final AtomicInteger arrived = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private IntConsumer work = thread -> {};
  private volatile int piece;
  private volatile int step;
  private volatile Throwable failure;
  private volatile boolean closed;

  Team(int size) {
    this.size = size;
    this.helpers = new Thread[size - 1];
    for (int i = 0; i < helpers.length; i++) {
      int number = i + 1;
      helpers[i] = new Thread(() -> help(number), "autodidact-team-" + number);
      helpers[i].setDaemon(true);
      helpers[i].start();
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
    busy.set(helpers.length);
    piece++;
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
    attempt(0);
    for (int looks = 0; busy.get() > 0; looks++) {
      pause(looks);
    }
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
      return;
    }
    for (int looks = 0; step == before; looks++) {
      if (failure != null) {
        throw new AutodidactException("another thread of the team has failed", failure);
      }
      pause(looks);
    }
  }

  private static void pause(int looks) {
    if (looks < LOOKS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
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
    }
  }

  private void help(int thread) {
    int done = 0;
    while (true) {
      for (int looks = 0; piece == done && !closed; looks++) {
        if (looks < LOOKS_AWAKE) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
      if (closed) {
        return;
      }
      done = piece;
      attempt(thread);
      busy.decrementAndGet();
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
  }
}
