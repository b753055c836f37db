package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PluginNotFoundException;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.RunListener;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine with a generator and a trainer that only pretend. */
class AutodidactTest {
  private static final int PROMPTS = 6;
  private static final int CANDIDATES = 4;
  private static final int SAMPLES = 3;

  @TempDir Path folder;
  private Path config;

  @BeforeEach
  void write() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    StringBuilder prompts = new StringBuilder();
    StringBuilder ift = new StringBuilder();
    for (int i = 0; i < 2 * PROMPTS; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
      ift.append("{\"prompt\":\"question " + i + "\",\"response\":\"answer\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    Files.writeString(folder.resolve("ift.jsonl"), ift);
    config =
        Files.writeString(
            folder.resolve("run.yaml"),
            """
            model: model
            generator: fake
            trainer: fake
            fine-tuning: {ift: ift.jsonl}
            prompts: {file: prompts.jsonl, per-iteration: %d}
            candidates: {count: %d}
            judge: {samples: %d}
            """
                .formatted(PROMPTS, CANDIDATES, SAMPLES));
  }

  private RunConfig config(Map<String, String> overrides) {
    return ConfigFile.read(config, overrides);
  }

  private Checkpoint run(FakePlugin plugin, String name, RunListener listener, Cancellation c) {
    return Autodidact.builder()
        .plugin(plugin)
        .listener(listener)
        .build()
        .run(config(Map.of()), folder.resolve(name), c);
  }

  private static List<PreferencePair> pairs(Path run) {
    try (RunStore store = RunStore.open(run)) {
      List<PreferencePair> pairs = new ArrayList<>(store.pairs(1));
      pairs.addAll(store.pairs(2));
      return pairs;
    }
  }

  @Test
  void everyStoredCountAddsUp() {
    FakePlugin plugin = new FakePlugin(true);
    Checkpoint last = run(plugin, "run", new RunListener() {}, new Cancellation());
    assertThat(last.name()).isEqualTo("M3");
    List<PreferencePair> pairs = pairs(folder.resolve("run"));
    try (RunStore store = RunStore.open(folder.resolve("run"))) {
      long candidates = 2L * PROMPTS * CANDIDATES;
      assertThat(store.counts())
          .containsEntry("model", 4L)
          .containsEntry("prompt", 2L * PROMPTS)
          .containsEntry("candidate", candidates)
          .containsEntry("judgement", candidates)
          .containsEntry("judgement_sample", candidates * SAMPLES)
          .containsEntry("pair", (long) pairs.size())
          .containsEntry("training_step", 2L * PROMPTS + pairs.size());
    }
    assertThat(plugin.written).isEqualTo(2 * PROMPTS * CANDIDATES * (1 + SAMPLES));
    assertThat(pairs)
        .isNotEmpty()
        .allSatisfy(
            p ->
                assertThat(p.chosen().judgement().score().orElseThrow())
                    .isGreaterThan(p.rejected().judgement().score().orElseThrow()));
  }

  /** Cancels at each event in turn; what was finished is not computed again. */
  @Test
  void stoppedAtAnyEventItEndsTheSameAndComputesNothingTwice() {
    FakePlugin plain = new FakePlugin(true);
    int[] events = {0};
    run(
        plain,
        "whole",
        counting(events, Integer.MAX_VALUE, new Cancellation()),
        new Cancellation());
    for (int stop = 1; stop <= events[0]; stop += 3) {
      String name = "stopped" + stop;
      FakePlugin plugin = new FakePlugin(true);
      Cancellation cancellation = new Cancellation();
      try {
        run(plugin, name, counting(new int[1], stop, cancellation), cancellation);
      } catch (CancelledException expected) {
        // the usual case; an event after the last look at the cancellation changes nothing
      }
      Autodidact.builder().plugin(plugin).build().resume(folder.resolve(name), new Cancellation());
      assertThat(pairs(folder.resolve(name))).isEqualTo(pairs(folder.resolve("whole")));
      assertThat(plugin.written).as("stopped at event %d", stop).isEqualTo(plain.written);
    }
  }

  private static RunListener counting(int[] events, int stop, Cancellation cancellation) {
    return new RunListener() {
      private void event() {
        if (++events[0] == stop) {
          cancellation.cancel();
        }
      }

      @Override
      public void stageStarted(Stage stage, int done, int total) {
        event();
      }

      @Override
      public void progressed(Stage stage, int done, int total) {
        event();
      }

      @Override
      public void trained(Stage stage, TrainingMetrics metrics) {
        event();
      }

      @Override
      public void stageFinished(Stage stage) {
        event();
      }
    };
  }

  @Test
  void aJudgeThatNeverScoresIsNamedAndTheWorkStays() {
    assertThatThrownBy(
            () -> run(new FakePlugin(false), "silent", new RunListener() {}, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no preference pair")
        .hasMessageContaining("24 judged candidates 0 have a score")
        .hasMessageContaining("expected-score");
    try (RunStore store = RunStore.open(folder.resolve("silent"))) {
      assertThat(store.counts()).containsEntry("judgement", (long) PROMPTS * CANDIDATES);
    }
  }

  @Test
  void aSecondProcessOnTheRunIsRefused() {
    Path run = folder.resolve("busy");
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.folder()).isEqualTo(run);
      assertThatThrownBy(
              () -> run(new FakePlugin(true), "busy", new RunListener() {}, new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("another process works on this run");
    }
  }

  @Test
  void anotherConfigurationIsRefused() {
    Path run = folder.resolve("run");
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    engine.run(config(Map.of()), run);
    assertThatThrownBy(() -> engine.run(config(Map.of("seed", "9")), run))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("another configuration")
        .hasMessageContaining("[seed: 1, 9]");
  }

  @Test
  void whatIsMissingIsNamedBeforeAnyWork() throws Exception {
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    assertThatThrownBy(
            () -> engine.run(config(Map.of("judge.name", "aditive")), folder.resolve("a")))
        .isInstanceOf(PluginNotFoundException.class)
        .hasMessageContaining("additive");
    assertThat(folder.resolve("a")).doesNotExist();
    assertThatThrownBy(() -> engine.resume(folder.resolve("none"), new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("holds no run");
    assertThatThrownBy(() -> engine.run(config(Map.of("model", "nowhere")), folder.resolve("b")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("nowhere");
    Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> engine.run(config(Map.of()), folder.resolve("file/run")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
    Files.createDirectories(folder.resolve("damaged"));
    Files.writeString(folder.resolve("damaged/run.db"), "this is no database, ".repeat(100));
    assertThatThrownBy(() -> engine.run(config(Map.of()), folder.resolve("damaged")))
        .isInstanceOf(AutodidactException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void dataThatChangedSinceTheRunBeganIsRefused() throws Exception {
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    engine.run(config(Map.of()), folder.resolve("run"));
    Files.writeString(folder.resolve("ift.jsonl"), "{\"prompt\":\"x\",\"response\":\"y\"}\n");
    assertThatThrownBy(() -> engine.resume(folder.resolve("run"), new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("ift.jsonl: has changed since the run began");
  }

  @Test
  void tooFewPromptsAreNamed() {
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    assertThatThrownBy(
            () -> engine.run(config(Map.of("prompts.per-iteration", "13")), folder.resolve("few")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("prompts.jsonl");
  }
}
