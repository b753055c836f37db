package org.autodidact.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.pytorch.jni.JniUtils;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.pytorch.program.TorchRuntime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The process belongs to the host: a training leaves it as it was. */
class HostTest {
  @TempDir Path folder;

  private void train(int threads, String question) {
    new DjlTrainer(new ComputeSettings(ComputeSettings.Precision.AUTO, threads, 0))
        .train(
            new TrainingRequest(
                new Checkpoint("M0", TinyModel.write(folder.resolve("base"), 3)),
                List.of(
                    new TrainingExample.Preference(List.of(Message.user(question)), "good", "bad")),
                List.of(),
                TrainingSettings.dpo().toBuilder().epochs(1).maxLength(64).build(),
                1,
                new Checkpoint("M1", folder.resolve("out")),
                folder.resolve("state")),
            metrics -> {},
            new Cancellation());
  }

  @Test
  void settingsOfLibtorchAreGivenBack() {
    TorchRuntime.engine();
    JniUtils.setGradMode(true);
    int threads = JniUtils.getNumThreads();
    train(threads + 1, "hello");
    assertThat(Files.exists(folder.resolve("out"))).isTrue();
    assertThat(JniUtils.getNumThreads()).isEqualTo(threads);
    assertThat(JniUtils.isGradMode()).isTrue();
    assertThat(System.getProperty("ai.djl.offline")).isNull();
    assertThat(System.getProperty("OPT_OUT_TRACKING")).isNull();
  }

  @Test
  void trainingsThatOverlapGiveThemBackTogether() {
    TorchRuntime.engine();
    int threads = JniUtils.getNumThreads();
    TorchRuntime first = new TorchRuntime(threads + 1);
    TorchRuntime second = new TorchRuntime(threads + 2);
    first.close();
    second.close();
    assertThat(JniUtils.getNumThreads()).isEqualTo(threads);
  }

  @Test
  void afterAFailureNothingReadsOn() {
    assertThatThrownBy(() -> train(1, "long ".repeat(500)))
        .isInstanceOf(InvalidInputException.class);
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith("autodidact-"));
  }

  @Test
  void closingWaitsForTheWorkAndStopsIt() {
    boolean[] ended = {false};
    Background<String> work =
        Background.start(
            "test",
            stopped -> {
              while (!stopped.getAsBoolean()) {
                Thread.onSpinWait();
              }
              ended[0] = true;
              throw new IllegalStateException("stopped");
            });
    work.close();
    assertThat(ended[0]).isTrue();
  }

  @Test
  void whatTheWorkThrowsIsThrown() {
    try (Background<String> work =
        Background.start(
            "test",
            stopped -> {
              throw new InvalidInputException("no");
            })) {
      assertThatThrownBy(work::get).isInstanceOf(InvalidInputException.class).hasMessage("no");
    }
  }
}
