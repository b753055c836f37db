package org.autodidact.spark.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.spark.executor.PartitionTask;
import org.autodidact.spark.wire.PartitionResult;
import org.autodidact.spark.wire.PartitionResult.Failure;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/**
 * One job of Spark's: a call's requests, cut into partitions. Spark alone decides where and how
 * often a partition is computed; what a partition answers is handed over when Spark has it, on the
 * thread that called.
 */
final class SparkJob {
  /** How long a call waits for a job that it cancelled: Spark ends it without its tasks. */
  private static final long JOIN_MILLISECONDS = 100;

  private static final int JOINS = 50;

  private final SparkContext spark;
  private final String description;

  SparkJob(SparkContext spark, String description) {
    this.spark = spark;
    this.description = description;
  }

  /** A partition's answer; or the end of the job, with a failure where it failed. */
  private record Event(Optional<PartitionResult> result, Optional<Throwable> failure) {
    /** Somebody should look at the cancellation. */
    static final Event LOOK = new Event(Optional.empty(), Optional.empty());

    static final Event END = new Event(Optional.empty(), Optional.empty());
  }

  /**
   * Runs to the end. After a failure that every executor would meet no partition begins, and what
   * was finished is delivered before it is thrown.
   */
  void run(
      List<byte[]> requests,
      int partitions,
      PartitionTask task,
      Consumer<PartitionResult> results,
      Cancellation cancellation) {
    cancellation.throwIfCancelled();
    BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    String group = "autodidact-" + UUID.randomUUID();
    Thread job =
        new Thread(() -> submit(requests, partitions, task, group, events), "autodidact-spark-job");
    job.setDaemon(true);
    Cancellation.Registration registered = cancellation.onCancel(() -> events.add(Event.LOOK));
    boolean ended = false;
    try {
      job.start();
      while (true) {
        Event event = take(events);
        cancellation.throwIfCancelled();
        if (event.result().isPresent()) {
          deliver(event.result().get(), events, job, group, results);
        } else if (event.failure().isPresent()) {
          ended = true;
          throw SparkFailures.known(event.failure().get());
        } else if (event == Event.END) {
          ended = true;
          return;
        }
      }
    } finally {
      registered.close();
      if (!ended) {
        stop(job, group);
      }
    }
  }

  /** With a failure the rest of what Spark has is delivered first. */
  private void deliver(
      PartitionResult result,
      BlockingQueue<Event> events,
      Thread job,
      String group,
      Consumer<PartitionResult> results) {
    results.accept(result);
    if (result.failure().equals(Failure.NONE)) {
      return;
    }
    stop(job, group);
    List<Event> rest = new ArrayList<>();
    events.drainTo(rest);
    rest.forEach(event -> event.result().ifPresent(results));
    AutodidactException failure = result.failure().exception();
    throw failure;
  }

  private static Event take(BlockingQueue<Event> events) {
    try {
      return events.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("the thread was interrupted", e);
    }
  }

  private void submit(
      List<byte[]> requests,
      int partitions,
      PartitionTask task,
      String group,
      BlockingQueue<Event> events) {
    try {
      spark.setJobGroup(group, description, true);
      RDD<byte[]> rdd =
          JavaSparkContext.fromSparkContext(spark).parallelize(requests, partitions).rdd();
      spark.runJob(rdd, task, new Handler(events), ClassTag$.MODULE$.apply(PartitionResult.class));
      events.add(Event.END);
    } catch (Throwable e) { // whatever it is, the caller gets it
      events.add(new Event(Optional.empty(), Optional.of(e)));
    }
  }

  /** Called by Spark on the driver, once for each partition, on a thread of its own. */
  private static final class Handler extends AbstractFunction2<Object, PartitionResult, BoxedUnit> {
    private final BlockingQueue<Event> events;

    Handler(BlockingQueue<Event> events) {
      this.events = events;
    }

    @Override
    public BoxedUnit apply(Object partition, PartitionResult result) {
      events.add(new Event(Optional.of(result), Optional.empty()));
      return BoxedUnit.UNIT;
    }
  }

  /** Again and again, as a group whose job has not begun yet is not there to be cancelled. */
  private void stop(Thread job, String group) {
    boolean interrupted = false;
    for (int i = 0; i < JOINS && job.isAlive(); i++) {
      if (!spark.isStopped()) {
        spark.cancelJobGroup(group);
      }
      try {
        job.join(JOIN_MILLISECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
