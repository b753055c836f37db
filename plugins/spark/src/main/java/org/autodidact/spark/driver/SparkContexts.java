package org.autodidact.spark.driver;

import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ServiceUnavailableException;

/**
 * The Spark context of the process, of which there is one: the host's where it has one, else one of
 * the settings that {@code spark-submit} gave. The latter stays until the process ends, as some
 * clusters take a second one for another application; Spark stops it then.
 */
public final class SparkContexts {
  private static final String MASTER = "spark.master";

  private SparkContexts() {}

  /** Refuses what no context can be made of; makes none. */
  public static void check(Optional<String> master) {
    SparkConf conf = new SparkConf();
    if (SparkEnv.get() != null) {
      return;
    }
    String set = conf.get(MASTER, "");
    if (set.isEmpty() && master.isEmpty()) {
      throw new InvalidInputException(
          "Spark has no master: start by spark-submit --master, or set the option 'master', as to"
              + " local[2]");
    }
    if (!set.isEmpty() && master.isPresent()) {
      requireSame(set, master.get());
    }
  }

  /** The context, which is made where there is none. */
  static SparkContext get(Optional<String> master) {
    check(master);
    if (SparkEnv.get() != null) {
      SparkContext there = SparkContext.getOrCreate();
      if (there.isStopped()) {
        throw SparkFailures.stopped(new IllegalStateException("stopped"));
      }
      master.ifPresent(m -> requireSame(there.master(), m));
      return there;
    }
    SparkConf conf = new SparkConf();
    master.ifPresent(conf::setMaster);
    conf.setIfMissing("spark.app.name", "autodidact");
    // Results are handed on as they come: not the sum of a job's is held, but what waits.
    conf.setIfMissing("spark.driver.maxResultSize", "0");
    // A model computes with all cores of its executor, for one task at a time.
    if (conf.contains("spark.executor.cores")) {
      conf.setIfMissing("spark.task.cpus", conf.get("spark.executor.cores"));
    }
    try {
      return SparkContext.getOrCreate(conf);
    } catch (Exception e) { // also Spark's own, which Scala's code does not declare
      throw new ServiceUnavailableException(
          "Spark does not start with the master '" + conf.get(MASTER, "") + "': " + e, e);
    }
  }

  private static void requireSame(String found, String master) {
    if (!found.equals(master)) {
      throw new InvalidInputException(
          "the option 'master' is '"
              + master
              + "', and Spark's master is '"
              + found
              + "' already; leave the option out");
    }
  }

  /** How many tasks can run at a time, as far as Spark knows yet; at least 1. */
  static int slots(SparkContext context) {
    int cpus = context.getConf().getInt("spark.task.cpus", 1);
    try {
      return Math.max(1, context.defaultParallelism() / Math.max(1, cpus));
    } catch (IllegalStateException e) { // it was stopped meanwhile
      throw SparkFailures.stopped(e);
    }
  }
}
