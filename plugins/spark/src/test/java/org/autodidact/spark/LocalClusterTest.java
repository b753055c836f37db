package org.autodidact.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Generation;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.Usage;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.GeneratorRules;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two executors in processes of their own give the bits of one machine. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class LocalClusterTest {
  private static final int REQUESTS = 23;

  @TempDir static Path folder;
  private static SparkContext spark;

  @BeforeAll
  static void start() {
    TinyModel.write(folder.resolve("tiny"), 5);
    TinyModel.write(folder.resolve("other"), 6);
    spark = Sparks.cluster(2, Map.of(), entry -> true);
  }

  @AfterAll
  static void stop() {
    Sparks.stop(spark);
  }

  private static Path tiny() {
    return folder.resolve("tiny");
  }

  private static Map<String, Generation> here(Path model, Precision precision) {
    try (Generator generator = Sparks.here(model, precision, 1)) {
      return Sparks.generate(generator, REQUESTS);
    }
  }

  private static Map<String, Generation> there(Path model, Precision precision, String... options) {
    try (Generator generator = Sparks.open("onnxruntime", model, precision, options)) {
      return Sparks.generate(generator, REQUESTS);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "2", "7"})
  void anyNumberOfPartitionsGivesTheBitsOfOneMachine(String partitions) {
    for (Precision precision : List.of(Precision.FP32, Precision.INT8)) {
      assertThat(there(tiny(), precision, "partitions", partitions))
          .hasSize(REQUESTS)
          .isEqualTo(here(tiny(), precision));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shared", "files", "uri"})
  void aCheckpointComesToExecutors(String way) {
    String checkpoints = way.equals("uri") ? folder.resolve("sent").toUri().toString() : way;
    for (String model : List.of("tiny", "other", "tiny")) { // the other takes its place
      Path path = folder.resolve(model);
      assertThat(there(path, Precision.FP32, "checkpoints", checkpoints))
          .isEqualTo(here(path, Precision.FP32));
    }
  }

  /** Waits until the first executor that begins waits itself. */
  private static void await(Path marker, CompletableFuture<?> call) throws Exception {
    while (!Files.exists(marker)) {
      assertThat(call).isNotDone();
      Thread.sleep(20);
    }
  }

  private static Generator waiting(Path marker) {
    return Sparks.open(
        "waits-once",
        tiny(),
        Precision.FP32,
        "partitions",
        "7",
        "generator-options",
        "marker=" + marker);
  }

  @Test
  void anExecutorThatIsKilledChangesNothing() throws Exception {
    Path marker = folder.resolve("killed");
    try (Generator generator = waiting(marker)) {
      CompletableFuture<Map<String, Generation>> found =
          CompletableFuture.supplyAsync(() -> Sparks.generate(generator, REQUESTS));
      await(marker, found);
      ProcessHandle executor =
          ProcessHandle.of(Long.parseLong(Files.readString(marker))).orElseThrow();
      assertThat(executor).isNotEqualTo(ProcessHandle.current());
      executor.destroyForcibly(); // kill -9
      assertThat(found.get(2, TimeUnit.MINUTES)).isEqualTo(here(tiny(), Precision.FP32));
      assertThat(generator.usage()).isEqualTo(new Usage(REQUESTS, 7 * 2, 7 * 3)); // each once
    }
  }

  @Test
  void aCancelledCallFreesItsExecutor() throws Exception {
    Path marker = folder.resolve("cancelled");
    Cancellation cancellation = new Cancellation();
    try (Generator generator = waiting(marker)) {
      CompletableFuture<Void> found =
          CompletableFuture.runAsync(
              () -> generator.generate(Sparks.requests(REQUESTS), g -> {}, cancellation));
      await(marker, found);
      cancellation.cancel();
      assertThatThrownBy(() -> found.get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(CancelledException.class);
    }
    assertThat(ProcessHandle.of(Long.parseLong(Files.readString(marker)))).isPresent();
    assertThat(there(tiny(), Precision.FP32, "partitions", "2"))
        .isEqualTo(here(tiny(), Precision.FP32));
  }

  @Test
  void scoresAreThoseOfOneMachine() {
    List<ScoringRequest> requests =
        Sparks.requests(REQUESTS).stream()
            .map(
                r ->
                    new ScoringRequest(
                        Prompt.of(r.prompt().id(), r.prompt().instruction()),
                        "Score: ",
                        List.of("0", "1", "5"),
                        false))
            .toList();
    try (Generator here = Sparks.here(tiny(), Precision.INT8, 1);
        Generator there = Sparks.open("onnxruntime", tiny(), Precision.INT8, "partitions", "3")) {
      Scorer scorer = there.scorer().orElseThrow();
      assertThat(score(scorer, requests)).isEqualTo(score(here.scorer().orElseThrow(), requests));
      assertThat(scorer.rounding(9)).isEqualTo(here.scorer().orElseThrow().rounding(9));
    }
  }

  private static Map<String, Scoring> score(Scorer scorer, List<ScoringRequest> requests) {
    Map<String, Scoring> found = new HashMap<>();
    scorer.score(requests, s -> found.put(s.promptId(), s), new Cancellation());
    return found;
  }

  @Nested
  class Rules extends GeneratorRules {
    @Override
    protected Generator open() {
      return Sparks.open("onnxruntime", tiny(), Precision.FP32);
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      return Sparks.provider("onnxruntime").capabilities();
    }

    @Override
    protected boolean isCalledByHosts() {
      return true;
    }
  }
}
