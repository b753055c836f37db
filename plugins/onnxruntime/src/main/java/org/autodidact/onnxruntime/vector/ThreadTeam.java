package org.autodidact.onnxruntime.vector;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.autodidact.api.AutodidactException;

/**
 * Threads that run one task together, with barriers: the caller and its helpers, which wait for the
 * next task and end with {@link #close()}. The steps of a decoder layer take microseconds, so
 * waiting threads spin, but not for long: the thread they wait for may need the core while another
 * process has the others. One caller at a time.
 */
final class ThreadTeam implements AutoCloseable {
  /** Spins at a barrier before a thread parks (not measured). */
  private static final int BARRIER_SPINS = 2_000;

  /** Spins of a helper between tasks before it parks (not measured). */
  private static final int IDLE_SPINS = 20_000;

  private final int size;
  private final Thread[] threads;
  private final AtomicInteger arrived = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger parked = new AtomicInteger();
  private IntConsumer task = thread -> {};
  private volatile int taskNumber;
  private volatile int barrier;
  private volatile Throwable failure;
  private volatile boolean closed;

  ThreadTeam(int size) {
    this.size = size;
    this.threads = new Thread[size];
    for (int i = 1; i < size; i++) {
      int index = i;
      threads[i] = new Thread(() -> helperLoop(index), "autodidact-team-" + index);
      threads[i].setDaemon(true);
      threads[i].start();
    }
  }

  int size() {
    return size;
  }

  /** Runs a task on each thread with the thread's index; returns when all have ended. */
  void run(IntConsumer newTask) {
    arrived.set(0);
    failure = null;
    task = newTask;
    threads[0] = Thread.currentThread();
    running.set(size - 1);
    taskNumber++;
    wake();
    runTask(0);
    waitWhile(() -> running.get() > 0, BARRIER_SPINS);
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
  }

  /** A barrier: waits until all threads of the team have called it. Only within {@link #run}. */
  void await() {
    int before = barrier;
    if (arrived.incrementAndGet() == size) {
      arrived.set(0);
      barrier = before + 1;
      wake();
      return;
    }
    waitWhile(() -> barrier == before && failure == null, BARRIER_SPINS);
    if (barrier == before) {
      throw new AutodidactException("another thread of the team has failed", failure);
    }
  }

  private void waitWhile(BooleanSupplier waiting, int spins) {
    for (int i = 0; waiting.getAsBoolean(); i++) {
      if (i < spins) {
        Thread.onSpinWait();
        continue;
      }
      // The condition is checked again after this thread counts as parked, so no wake-up is lost.
      parked.incrementAndGet();
      if (waiting.getAsBoolean()) {
        LockSupport.park(this);
      }
      parked.decrementAndGet();
    }
  }

  private void wake() {
    if (parked.get() > 0) {
      for (Thread thread : threads) {
        LockSupport.unpark(thread);
      }
    }
  }

  private void runTask(int thread) {
    try {
      task.accept(thread);
    } catch (Throwable e) {
      synchronized (this) {
        if (failure == null) {
          failure = e;
        }
      }
      wake();
    }
  }

  private void helperLoop(int thread) {
    int done = 0;
    while (true) {
      int last = done;
      waitWhile(() -> taskNumber == last && !closed, IDLE_SPINS);
      if (closed) {
        return;
      }
      done = taskNumber;
      runTask(thread);
      if (running.decrementAndGet() == 0) {
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
