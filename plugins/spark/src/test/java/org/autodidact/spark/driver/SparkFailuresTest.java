package org.autodidact.spark.driver;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.spark.SparkException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ServiceUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What cluster managers say of executors that are gone. */
class SparkFailuresTest {
  private static final String ABORTED =
      "Job aborted due to stage failure: Task 3 in stage 0.0 failed 4 times, most recent failure:"
          + " Lost task 3.3 in stage 0.0 (TID 137) (10.0.0.7 executor 9): ";

  private static RuntimeException known(String reason) {
    return SparkFailures.known(new SparkException(ABORTED + reason + "\nDriver stacktrace:"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Command exited with code 52",
        "Command exited with code 137",
        "The executor with id 9 exited with exit code 137(SIGKILL, possible container OOM).",
        "Container killed by YARN for exceeding physical memory limits. 9.1 GB of 9 GB used.",
        "Container from a bad node: container_1 on host: h. Exit status: 143. Diagnostics: killed",
      })
  void noMemoryIsSaidSo(String reason) {
    assertThat(
            known(
                "ExecutorLostFailure (executor 9 exited caused by one of the running tasks) Reason:"
                    + " "
                    + reason))
        .isInstanceOf(ServiceUnavailableException.class)
        .hasMessageContaining(reason.substring(0, 20))
        .hasMessageContaining("spark.executor.memoryOverhead")
        .hasMessageContaining("what was finished stays")
        .message()
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Command exited with code 1", "Remote RPC client disassociated."})
  void anotherEndIsNotTakenForIt(String reason) {
    assertThat(
            known(
                "ExecutorLostFailure (executor 9 exited caused by one of the running tasks) Reason:"
                    + " "
                    + reason))
        .isInstanceOf(ServiceUnavailableException.class)
        .hasMessageContaining(reason)
        .message()
        .doesNotContain("memoryOverhead");
  }

  @Test
  void aMissingPluginIsNamed() {
    assertThat(known("java.lang.ClassNotFoundException: org.autodidact.spark.executor.X"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("(org.autodidact.spark.executor.X)");
  }

  @Test
  void whatIsNotKnownIsShown() {
    assertThat(known("TaskResultLost (result lost from block manager)"))
        .isInstanceOf(ServiceUnavailableException.class)
        .hasMessageContaining("Spark gave up")
        .hasMessageContaining("TaskResultLost");
  }
}
