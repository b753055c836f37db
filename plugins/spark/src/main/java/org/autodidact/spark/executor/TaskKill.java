package org.autodidact.spark.executor;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.autodidact.api.Cancellation;

/**
 * Sets a cancellation where Spark kills the task, as when another attempt was faster. Spark also
 * interrupts the thread, which what opens a model need not heed.
 */
final class TaskKill implements AutoCloseable {
  private static final Duration LOOK = Duration.ofMillis(200);

  private final Cancellation cancellation = new Cancellation();
  private final CountDownLatch ended = new CountDownLatch(1);

  TaskKill(TaskContext task) {
    Thread watch = new Thread(() -> watch(task), "autodidact-task-kill");
    watch.setDaemon(true);
    watch.start();
  }

  Cancellation cancellation() {
    return cancellation;
  }

  private void watch(TaskContext task) {
    try {
      while (!ended.await(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
        if (task.isInterrupted()) {
          cancellation.cancel();
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does
    }
  }

  @Override
  public void close() {
    ended.countDown();
  }
}
