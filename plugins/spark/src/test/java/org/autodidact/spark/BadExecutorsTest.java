package org.autodidact.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.assertj.core.api.AbstractThrowableAssert;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Generation;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong on an executor is one line on the driver. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class BadExecutorsTest {
  /** A failure of a task is the end of its job: Spark would try it four times. */
  private static final Map<String, String> ONE_TRY = Map.of("spark.task.maxFailures", "1");

  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  private static Path tiny() {
    return folder.resolve("tiny");
  }

  private static Generator open(String delegate, String... more) {
    List<String> options = new ArrayList<>(List.of(more));
    if (!delegate.equals("onnxruntime")) {
      options.addAll(List.of("generator-options", "marker=" + folder.resolve("marker")));
    }
    return Sparks.open(delegate, tiny(), Precision.FP32, options.toArray(String[]::new));
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> assertFails(Generator generator) {
    return assertThatThrownBy(() -> Sparks.generate(generator, 8))
        .isInstanceOf(AutodidactException.class)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n", "\tat "));
  }

  @Nested
  class OfTheSamePlugins {
    private static SparkContext spark;

    @BeforeAll
    static void start() {
      spark = Sparks.cluster(1, ONE_TRY, entry -> true);
    }

    @AfterAll
    static void stop() {
      Sparks.stop(spark);
    }

    @Test
    void withoutMemory() {
      try (Generator generator = open("exhausted")) {
        assertFails(generator)
            .isInstanceOf(ServiceUnavailableException.class)
            .hasMessageContaining("spark.executor.memoryOverhead")
            .hasMessageContaining("what was finished stays");
      }
      assertWorks();
    }

    @Test
    void thatEnds() {
      try (Generator generator = open("halts")) {
        assertFails(generator)
            .isInstanceOf(ServiceUnavailableException.class)
            .hasMessageContaining("executors were lost, the last so: Command exited with code 3;");
      }
      assertWorks();
    }

    @Test
    void thatDoesNotSeeTheCheckpoint() throws Exception {
      Path moved = folder.resolve("moved");
      try (Generator generator = open("onnxruntime")) {
        Files.move(tiny(), moved);
        assertFails(generator)
            .isInstanceOf(ServiceUnavailableException.class)
            .hasMessageContaining("M1: there is no folder " + tiny())
            .hasMessageContaining("executor ")
            .hasMessageContaining("'checkpoints'");
        Files.move(moved, tiny());
        Files.writeString(tiny().resolve("config.json"), "{}");
        assertFails(generator).hasMessageContaining("config.json is not the driver's");
      } finally {
        TinyModel.write(tiny().resolveSibling("again"), 5);
        Files.move(
            folder.resolve("again").resolve("config.json"),
            tiny().resolve("config.json"),
            java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      }
      assertWorks();
    }

    @Test
    void whoseGeneratorHasAFault() {
      try (Generator generator = open("faulty")) {
        assertFails(generator)
            .isInstanceOf(PluginFailedException.class)
            .hasMessageContaining("IllegalStateException: a fault");
      }
    }

    /** What one prompt is refused for is no executor's fault, and the others stay finished. */
    @Test
    void thatRefusesAPrompt() {
      List<Generation> found = new ArrayList<>();
      try (Generator generator = open("refuses", "partitions", "8")) {
        assertThatThrownBy(
                () -> generator.generate(Sparks.requests(8), found::add, new Cancellation()))
            .isInstanceOf(InvalidInputException.class)
            .hasMessage("prompt 'p5' does not fit");
      }
      assertThat(found).extracting(Generation::promptId).contains("p0", "p1", "p2", "p3", "p4");
    }

    private static void assertWorks() {
      try (Generator generator = open("onnxruntime")) {
        assertThat(Sparks.generate(generator, 8)).hasSize(8);
      }
    }
  }

  @Nested
  class OfOtherPlugins {
    private static SparkContext spark;

    @BeforeAll
    static void start() {
      Map<String, String> conf = new HashMap<>(ONE_TRY);
      conf.put("spark.executor.extraJavaOptions", "-Dtest.version=2");
      spark = Sparks.cluster(1, conf, entry -> true);
    }

    @AfterAll
    static void stop() {
      Sparks.stop(spark);
    }

    @Test
    void ofAnotherVersion() {
      try (Generator generator = open("refuses")) {
        assertFails(generator)
            .isInstanceOf(ServiceUnavailableException.class)
            .hasMessageContaining("the plugin 'test-delegates' is there in version '2'")
            .hasMessageContaining("the driver has '1'");
      }
    }

    @Test
    void withoutTheGenerator() {
      try (Generator generator = open("halts")) {
        assertFails(generator)
            .isInstanceOf(ServiceUnavailableException.class)
            .hasMessageContaining("no plugin there has the generator 'halts'");
      }
    }
  }

  @Test
  void withoutThisPlugin() {
    SparkContext spark =
        Sparks.cluster(1, ONE_TRY, entry -> !entry.matches(".*/plugins/spark/target/.*"));
    try (Generator generator = open("onnxruntime")) {
      assertFails(generator)
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("executors do not have this plugin")
          .hasMessageContaining("--jars");
    } finally {
      Sparks.stop(spark);
    }
  }

  @Test
  void noneWithoutAMaster() {
    assertThatThrownBy(() -> open("onnxruntime"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("Spark has no master");
  }

  @Test
  void noneByAWayThatIsNotThere() {
    assertThatThrownBy(() -> open("onnxruntime", "master", "local[1]", "checkpoints", "nfs"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'checkpoints'");
    assertThatThrownBy(() -> open("onnxruntime", "master", "local[1]", "generator-options", "a=1"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("generator-options: unknown option 'a'");
  }
}
