package org.autodidact.pytorch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Training gives back what it takes, step by step. */
class NativeMemoryTest {
  private static final int STEPS = 300;

  @TempDir Path folder;

  @Test
  @EnabledOnOs(OS.LINUX)
  void manyStepsDoNotGrow() {
    Path base = TinyModel.write(folder.resolve("base"), 3);
    List<TrainingExample> examples = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      examples.add(
          new TrainingExample.Preference(
              List.of(Message.user("question " + "x".repeat(300))), "good " + i, "bad"));
    }
    TrainingSettings settings =
        TrainingSettings.dpo().toBuilder()
            .constantRate(1e-4)
            .batchSize(4)
            .epochs(STEPS)
            .maxLength(512)
            .saveEvery(0)
            .build();
    long[] early = {0};
    long[] late = {0};
    new DjlTrainer(ComputeSettings.automatic())
        .train(
            new TrainingRequest(
                new Checkpoint("M0", base),
                examples,
                List.of(),
                settings,
                1,
                new Checkpoint("M1", folder.resolve("out")),
                folder.resolve("state")),
            m -> {
              if (m.step() == STEPS / 3) {
                early[0] = residentBytes();
              }
              late[0] = residentBytes();
            },
            new Cancellation());
    // One step's activations are about 10 MB: a leak of a step's would be 2 GB by the end.
    assertThat(late[0] - early[0]).as("bytes over %d steps", STEPS * 2 / 3).isLessThan(400L << 20);
  }

  private static long residentBytes() {
    try {
      return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4096;
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
