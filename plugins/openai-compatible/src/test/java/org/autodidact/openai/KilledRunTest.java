package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs of the engine whose learner and judge are on a server. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class KilledRunTest {
  private static final int CONCURRENCY = 32;
  private static final int CANDIDATES = 2;

  @TempDir Path folder;
  private final StubServer stub = new StubServer();

  @AfterEach
  void stop() {
    stub.close();
  }

  private Path write(int prompts, String more) throws Exception {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < prompts; i++) {
      lines.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), lines);
    String generator =
        "{name: openai-compatible, options: {url: '%s', concurrency: %s, key: '${PATH}'%s}}"
            .formatted(stub.url(), CONCURRENCY, more);
    return Files.writeString(
        folder.resolve("run.yaml"),
        """
        model: a-model
        iterations: 1
        generator: %s
        trainer: stand-in
        judge: {name: additive, samples: 1, model: judge, generator: %s}
        prompts: {file: prompts.jsonl, per-iteration: %s}
        candidates: {count: %s, max-tokens: 8}
        """
            .formatted(generator, generator, prompts, CANDIDATES));
  }

  private Process start(Path config, Path run) throws Exception {
    return new ProcessBuilder(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                StandInRun.class.getName(),
                config.toString(),
                run.toString()))
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("output.txt").toFile())
        .start();
  }

  private void killAfter(int answers, Path config, Path run) throws Exception {
    Process process = start(config, run);
    while (stub.answered.size() < answers) {
      assertThat(process.isAlive()).as(Files.readString(folder.resolve("output.txt"))).isTrue();
      Thread.sleep(2);
    }
    process.destroyForcibly().waitFor();
  }

  private static List<PreferencePair> pairs(Path run) {
    try (RunStore store = RunStore.read(run)) {
      return List.copyOf(store.iterations().pairs(1));
    }
  }

  /** Twice, once among the candidates and once among the judgements, as {@code kill -9} does it. */
  @Test
  void nothingAnsweredIsAskedAgainAfterAKill() throws Exception {
    Path run = killed(write(1000, ""), 700, 2700, CANDIDATES);
    assertNoKeyIn(run);
  }

  /** A prompt's candidates are answered, kept and asked for together. */
  @Test
  void norWhereARequestIsForAllCandidatesOfAPrompt() throws Exception {
    killed(write(1000, ", one-request-a-prompt: true"), 350, 1700, 1);
  }

  /**
   * Kills a run twice and ends it, and compares it with one that nobody killed.
   *
   * @param requests that a prompt's candidates take
   */
  private Path killed(Path config, int first, int second, int requests) throws Exception {
    Path run = folder.resolve("killed");
    stub.fails = true;
    killAfter(first, config, run);
    killAfter(second, config, run);
    assertThat(StandInRun.run(config, run)).isEqualTo(Checkpoint.reference("M2", "a-model"));

    int answers = 1000 * requests + 1000 * CANDIDATES; // with their judgements
    // each request at work, and an answer to the same prompt that waited for it
    int inFlight = 2 * CONCURRENCY * CANDIDATES;
    assertThat(stub.requests.get()).isLessThanOrEqualTo(answers + stub.failures.get() + inFlight);
    assertThat(stub.failures).hasValueGreaterThan(answers / 10);
    assertThat(stub.answered).hasSize(answers);
    assertThat(stub.answered.values().stream().mapToInt(n -> n - 1).sum())
        .isLessThanOrEqualTo(inFlight);
    try (RunStore store = RunStore.read(run)) {
      assertThat(store.counts())
          .containsEntry("candidate", 1000L * CANDIDATES)
          .containsEntry("judgement", 1000L * CANDIDATES);
    }
    Path whole = folder.resolve("whole");
    stub.fails = false;
    StandInRun.run(config, whole);
    assertThat(pairs(run)).isNotEmpty().isEqualTo(pairs(whole));
    return run;
  }

  private static void assertNoKeyIn(Path run) throws Exception {
    String key = System.getenv("PATH");
    try (Stream<Path> files = Files.walk(run)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1))
            .as("%s", file)
            .doesNotContain(key);
      }
    }
  }

  @Test
  void aBudgetEndsARunThatGoesOnLater() throws Exception {
    Path config = write(20, ", max-requests: 25");
    Path run = folder.resolve("run");
    assertThatThrownBy(() -> StandInRun.run(config, run))
        .isInstanceOf(ServiceUnavailableException.class)
        .hasMessageContaining("max-requests 25");
    assertThatThrownBy(() -> StandInRun.run(config, run)) // the candidates, then judgements
        .isInstanceOf(ServiceUnavailableException.class);
    assertThat(StandInRun.run(config, run).name()).isEqualTo("M2");
    assertThat(stub.requests.get()).isBetween(80, 80 + 2 * CONCURRENCY);
  }
}
