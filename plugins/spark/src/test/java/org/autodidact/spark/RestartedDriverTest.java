package org.autodidact.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.autodidact.api.Candidate;
import org.autodidact.api.PreferencePair;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A run whose driver is killed among the candidates goes on to what one machine makes. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class RestartedDriverTest {
  private static final int PROMPTS = 30;

  @TempDir Path folder;

  private Path write(String name, String generator) throws Exception {
    return Files.writeString(
        folder.resolve(name),
        """
        model: tiny
        iterations: 1
        generator: %s
        trainer: stand-in
        judge: expected-score
        prompts: {file: prompts.jsonl, per-iteration: %s}
        candidates: {count: 2, max-tokens: 8}
        compute: {precision: fp32}
        """
            .formatted(generator, PROMPTS));
  }

  private Process start(Path config, Path run) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(
        java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(a -> a.startsWith("--add-"))
            .toList());
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            StandInRun.class.getName(),
            config.toString(),
            run.toString()));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("output.txt").toFile())
        .start();
  }

  private static long candidates(Path run) {
    try (RunStore store = RunStore.read(run)) {
      return store.counts().get("candidate");
    }
  }

  private static List<PreferencePair> pairs(Path run) {
    try (RunStore store = RunStore.read(run)) {
      return List.copyOf(store.iterations().pairs(1));
    }
  }

  private static Map<Integer, List<Candidate>> answers(Path run) {
    try (RunStore store = RunStore.read(run)) {
      return store.iterations().ownCandidates(1);
    }
  }

  @Test
  void aRunGoesOnAfterItsDriverWasKilled() throws Exception {
    TinyModel.write(folder.resolve("tiny"), 5);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < PROMPTS; i++) {
      lines.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), lines);
    Path marker = folder.resolve("marker");
    Path config =
        write(
            "spark.yaml",
            "{name: spark-waits-at-one, options: {master: 'local[2]', partitions: 7,"
                + " generator-options: 'marker=%s'}}".formatted(marker));
    Path run = folder.resolve("killed");
    Process driver = start(config, run);
    try {
      while (!Files.exists(marker) || candidates(run) == 0) {
        assertThat(driver.isAlive()).as(Files.readString(folder.resolve("output.txt"))).isTrue();
        Thread.sleep(50);
      }
    } finally {
      driver.destroyForcibly().waitFor(); // kill -9
    }
    long finished = candidates(run);
    assertThat(finished).isPositive().isLessThan(2 * PROMPTS);

    Sparks.local();
    try {
      assertThat(StandInRun.run(config, run).name()).isEqualTo("M2");
    } finally {
      SparkContext.getOrCreate().stop();
    }
    Path whole = folder.resolve("whole");
    StandInRun.run(write("here.yaml", "onnxruntime"), whole);
    assertThat(answers(run)).hasSize(PROMPTS).isEqualTo(answers(whole));
    assertThat(pairs(run)).isNotEmpty().isEqualTo(pairs(whole));
  }
}
