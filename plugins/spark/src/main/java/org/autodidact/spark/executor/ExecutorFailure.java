package org.autodidact.spark.executor;

import org.apache.spark.SparkEnv;
import org.autodidact.api.ServiceUnavailableException;

/**
 * A failure that may be that of one executor. Thrown out of a task, so that Spark tries it on
 * another; the driver sees it where Spark gives up.
 */
public final class ExecutorFailure extends ServiceUnavailableException {
  private static final long serialVersionUID = 1L;

  ExecutorFailure(String message) {
    super(where() + ": " + message);
  }

  ExecutorFailure(String message, Throwable cause) {
    super(where() + ": " + message, cause);
  }

  private static String where() {
    SparkEnv env = SparkEnv.get();
    return "executor " + env.executorId() + " on " + env.blockManager().blockManagerId().host();
  }
}
