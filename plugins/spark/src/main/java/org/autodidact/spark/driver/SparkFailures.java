package org.autodidact.spark.driver;

import java.util.regex.Pattern;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.ShownText;

/** What Spark says when it gives a job up, as one line that says what to do. */
final class SparkFailures {
  private static final String FINISHED = "; what was finished stays";
  private static final int SHOWN = 100;

  /**
   * What is said of the end of an executor that has no memory: 52 is Spark's own code of an
   * OutOfMemoryError; the system and Kubernetes kill by signal 9, YARN by 15; both say so in words,
   * too.
   */
  private static final Pattern MEMORY =
      Pattern.compile(
          "\\b(?:exit|exited with) code:? (?:52|137|143)\\b|\\bexit status:? (?:137|143)\\b"
              + "|memory|\\bOOM",
          Pattern.CASE_INSENSITIVE);

  private SparkFailures() {}

  /** The failure to throw. */
  static RuntimeException known(Throwable failure) {
    StringBuilder said = new StringBuilder();
    for (Throwable e = failure; e != null; e = e.getCause()) {
      said.append(e).append('\n');
      if (e instanceof AutodidactException own) {
        return own; // in the executor's words
      }
      if (e instanceof OutOfMemoryError) {
        return memory("a task met " + e, failure);
      }
    }
    String text = said.toString();
    if (text.contains("OutOfMemoryError")) {
      return memory("a task met " + line(text, "OutOfMemoryError"), failure);
    }
    if (text.contains("org.autodidact")
        && (text.contains("ClassNotFoundException")
            || text.contains("NoClassDefFoundError")
            || text.contains("InvalidClassException"))) {
      return new InvalidInputException(
          "executors do not have this plugin, or another version of it ("
              + line(text, "org.autodidact")
              + "); give them the driver's jars, by --jars or in their image"
              + FINISHED,
          failure);
    }
    if (text.contains("ExecutorLostFailure") || text.contains("exited caused by one of")) {
      String reason = text.substring(Math.max(0, text.indexOf("Reason: ")));
      String lost = "executors were lost, the last so: " + line(reason.replace("Reason: ", ""), "");
      return MEMORY.matcher(reason).find()
          ? memory(lost, failure)
          : new ServiceUnavailableException(lost + "; see their logs" + FINISHED, failure);
    }
    if (text.contains("SparkContext was shut down") || text.contains("stopped SparkContext")) {
      return stopped(failure);
    }
    if (text.contains("Job aborted")) {
      Throwable last = failure;
      while (last.getCause() != null) {
        last = last.getCause();
      }
      return last == failure
          ? new ServiceUnavailableException(
              "Spark gave up: " + line(text, "most recent failure") + FINISHED, failure)
          : new PluginFailedException("a generator on an executor", last);
    }
    return new ServiceUnavailableException("Spark failed: " + line(text, ":") + FINISHED, failure);
  }

  /** Spark's context is gone. */
  static ServiceUnavailableException stopped(Throwable failure) {
    return new ServiceUnavailableException(
        "Spark's context was stopped, by its cluster or by the host; the driver's log says why"
            + FINISHED,
        failure);
  }

  private static ServiceUnavailableException memory(String what, Throwable failure) {
    return new ServiceUnavailableException(
        what
            + "; give executors memory: spark.executor.memoryOverhead for the model and its KV"
            + " caches, spark.executor.memory for the heap"
            + FINISHED,
        failure);
  }

  /** The first line with a word, from that word on. */
  private static String line(String text, String word) {
    return text.lines()
        .filter(l -> l.contains(word))
        .map(l -> ShownText.of(l.substring(l.indexOf(word)).strip(), SHOWN))
        .findFirst()
        .orElseGet(() -> ShownText.of(text, SHOWN));
  }
}
