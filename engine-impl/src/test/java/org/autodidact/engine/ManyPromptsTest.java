package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.RunListener;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** More prompts than a stage holds in memory at once. */
class ManyPromptsTest {
  @TempDir Path folder;

  private static void run(Path folder, int prompts, String run, RunListener listener)
      throws Exception {
    Files.createDirectories(folder.resolve("model"));
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < prompts; i++) {
      lines.append("{\"prompt\": \"question ").append(i).append("\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), lines);
    Path config =
        Files.writeString(
            folder.resolve("run.yaml"),
            "model: model\niterations: 1\ngenerator: fake\ntrainer: fake\ncandidates: {count: 2}\n"
                + "judge: {samples: 1}\nprompts: {file: prompts.jsonl, per-iteration: "
                + prompts
                + "}\npreference-training: {held-out: 0.01}\n");
    Cancellation cancellation = new Cancellation();
    RunListener cancelling =
        new RunListener() {
          @Override
          public void progressed(Stage stage, int done, int total) {
            listener.progressed(stage, done, total);
            if (listener instanceof CancelledAt at && at.isReached(stage, done)) {
              cancellation.cancel();
            }
          }
        };
    Autodidact.builder()
        .plugin(new FakePlugin(true))
        .listener(cancelling)
        .build()
        .run(ConfigFile.read(config, Map.of()), folder.resolve(run), cancellation);
  }

  private record CancelledAt(RunListener.Kind kind, int done) implements RunListener {
    boolean isReached(Stage stage, int count) {
      return stage.kind() == kind && count == done;
    }
  }

  private List<PreferencePair> pairs(String run) {
    try (RunStore store = RunStore.read(folder.resolve(run))) {
      return List.copyOf(store.iterations().pairs(1));
    }
  }

  @Test
  void stoppedWithinALaterPortionItGoesOnToTheSamePairs() throws Exception {
    int prompts = 1500;
    run(folder, prompts, "whole", new RunListener() {});
    assertThatThrownBy(
            () -> run(folder, prompts, "cut", new CancelledAt(RunListener.Kind.CANDIDATES, 1300)))
        .isInstanceOf(CancelledException.class);
    assertThatThrownBy(
            () -> run(folder, prompts, "cut", new CancelledAt(RunListener.Kind.JUDGEMENTS, 2900)))
        .isInstanceOf(CancelledException.class);
    run(folder, prompts, "cut", new RunListener() {});
    assertThat(pairs("cut")).hasSizeGreaterThan(1024).isEqualTo(pairs("whole"));
    try (RunStore whole = RunStore.read(folder.resolve("whole"));
        RunStore cut = RunStore.read(folder.resolve("cut"))) {
      assertThat(cut.iterations().metrics(1)).isEqualTo(whole.iterations().metrics(1));
      assertThat(cut.trainingLog().steps("M2")).isEqualTo(whole.trainingLog().steps("M2"));
    }
  }

  /** With all of an iteration in memory this took 400 MB. */
  @Test
  void tenThousandPromptsFitIntoASmallHeap() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx40m",
                "-cp",
                System.getProperty("java.class.path"),
                TenThousand.class.getName(),
                folder.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    assertThat(folder.resolve("run/report.html")).exists();
  }

  /** A run in a JVM of its own. */
  static final class TenThousand {
    private TenThousand() {}

    public static void main(String[] arguments) throws Exception {
      Path folder = Path.of(arguments[0]);
      run(folder, 10_000, "run", new RunListener() {});
      try (RunStore store = RunStore.read(folder.resolve("run"))) {
        HtmlReport.write(store);
      }
    }
  }
}
