package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.PreferencePair;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A run that is killed, as {@code kill -9} does it, and resumed ends as one that was not. */
class KillAndResumeTest {
  private static final int KILLS = Integer.getInteger("autodidact.kills", 6);

  @TempDir Path folder;

  private Process start(String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-Duser.language=" + System.getProperty("user.language"),
                "-Duser.country=" + System.getProperty("user.country", ""),
                "-cp",
                System.getProperty("java.class.path"),
                "org.autodidact.cli.Main"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("output.txt").toFile())
        .start();
  }

  private void finish(String... arguments) throws Exception {
    Process process = start(arguments);
    assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(folder.resolve("output.txt"))).isZero();
  }

  private static List<PreferencePair> pairs(Path run) {
    try (RunStore store = RunStore.open(run)) {
      List<PreferencePair> pairs = new ArrayList<>(store.iterations().pairs(1));
      pairs.addAll(store.iterations().pairs(2));
      return pairs;
    }
  }

  /** Kills as soon as a checkpoint is being written, and tells whether that was in time. */
  private static boolean killWhileWriting(Process process, Path run, String model)
      throws Exception {
    while (process.isAlive()) {
      for (Path entry : AtomicFolders.entries(run)) {
        if (entry.getFileName().toString().startsWith(model + ".part-")) {
          process.destroyForcibly().waitFor();
          return Files.exists(entry);
        }
      }
    }
    return false;
  }

  private static void assertNothingIsLeft(Path run) {
    assertThat(AtomicFolders.entries(run))
        .extracting(p -> p.getFileName().toString())
        .noneMatch(name -> name.contains(".part-") || name.startsWith("state-"));
  }

  @Test
  void killedWhileACheckpointIsWrittenNothingIsLeftOver() throws Exception {
    Path config = write();
    Path whole = folder.resolve("whole");
    finish("run", config.toString(), "--output", whole.toString());
    assertNothingIsLeft(whole);
    for (String model : List.of("M1", "M2-future", "M2")) {
      Path run = Files.createDirectories(folder.resolve("killed-" + model));
      for (int i = 0; i < 3; i++) {
        if (killWhileWriting(
            start("run", config.toString(), "--output", run.toString()), run, model)) {
          break;
        }
      }
      finish("resume", run.toString());
      assertNothingIsLeft(run);
      assertThat(TinyModel.weights(run.resolve("M3")))
          .as("killed while %s was written", model)
          .isEqualTo(TinyModel.weights(whole.resolve("M3")));
    }
  }

  /** With the selector that has every stage but the scores of the iterate before. */
  private Path write() throws Exception {
    TinyModel.write(folder.resolve("tiny"), 3);
    StringBuilder prompts = new StringBuilder();
    StringBuilder ift = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
      ift.append("{\"prompt\":\"question " + i + "\",\"response\":\"answer " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    Files.writeString(folder.resolve("ift.jsonl"), ift);
    return Files.writeString(
        folder.resolve("run.yaml"),
        """
            model: tiny
            iterations: 2
            selector: temporal
            fine-tuning: {ift: ift.jsonl, training: {learning-rate: 1e-3, batch-size: 2, save-every: 1}}
            prompts: {file: prompts.jsonl, per-iteration: 6}
            candidates: {count: 4, max-tokens: 24}
            judge: {name: expected-score}
            preference-training: {learning-rate: 1e-3, batch-size: 2, epochs: 2, save-every: 1}
            """);
  }

  @Test
  void killedAtAnyMomentItEndsTheSame() throws Exception {
    Path config = write();
    Path whole = folder.resolve("whole");
    long began = System.nanoTime();
    finish("run", config.toString(), "--output", whole.toString());
    long took = (System.nanoTime() - began) / 1_000_000;
    Random random = new Random(1);
    for (int kill = 0; kill < KILLS; kill++) {
      Path run = folder.resolve("killed" + kill);
      Process process = start("run", config.toString(), "--output", run.toString());
      process.waitFor(took / 8 + random.nextLong(took * 7 / 8), TimeUnit.MILLISECONDS);
      process.destroyForcibly().waitFor();
      finish("run", config.toString(), "--output", run.toString());
      assertThat(pairs(run)).as("pairs after kill %d", kill).isNotEmpty().isEqualTo(pairs(whole));
      for (String model : List.of("M1", "M2-future", "M2", "M3-future", "M3")) {
        assertThat(TinyModel.weights(run.resolve(model)))
            .as("%s after kill %d", model, kill)
            .isEqualTo(TinyModel.weights(whole.resolve(model)));
      }
    }
  }

  /** Were the JVM's own handler to go first, one of three would end by a fault in native code. */
  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void whatIsTerminatedEndsWhatItIsAt() throws Exception {
    Path prompts = folder.resolve("prompts.jsonl");
    Files.writeString(prompts, "{\"prompt\": \"a b c\"}\n".repeat(20_000));
    Process process =
        start(
            "generate",
            "--model",
            TinyModel.write(folder.resolve("tiny"), 5).toString(),
            "--prompts",
            prompts.toString(),
            "--output",
            folder.resolve("out.jsonl").toString(),
            "--ignore-eos",
            "--max-tokens",
            "100");
    Path output = folder.resolve("output.txt");
    for (int i = 0; i < 1200 && !Files.readString(output).contains("to do"); i++) {
      assertThat(process.waitFor(100, TimeUnit.MILLISECONDS)).isFalse();
    }
    process.destroy();
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(output)).isEqualTo(130);
  }
}
