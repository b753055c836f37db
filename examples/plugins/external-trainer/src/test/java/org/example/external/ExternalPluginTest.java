package org.example.external;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Message;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.conformance.TrainerRules;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a stub of a trainer in Python, whose model is 26 numbers. */
class ExternalPluginTest {
  private static final String COMMAND = "python3 src/test/programs/train.py";

  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new ExternalPlugin();
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return Map.of("command", COMMAND);
    }
  }

  @Nested
  class Rules extends TrainerRules {
    @Override
    protected Trainer create() {
      return new ExternalTrainer(COMMAND);
    }

    @Override
    protected TrainerCapabilities capabilities() {
      return new ExternalPlugin().trainers().get(0).capabilities();
    }

    @Override
    protected void writeBase(Path newFolder) {
      try {
        Files.createDirectories(newFolder);
        Files.writeString(newFolder.resolve("weights.json"), Arrays.toString(new int[26]));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    protected float[] weights(Path checkpoint) {
      try {
        String[] numbers =
            Files.readString(checkpoint.resolve("weights.json"))
                .replaceAll("[\\[\\] ]", "")
                .split(",");
        float[] weights = new float[numbers.length];
        for (int i = 0; i < weights.length; i++) {
          weights[i] = Float.parseFloat(numbers[i]);
        }
        return weights;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void cancellingEndsTheProcessWithinAStep(@TempDir Path folder) {
    TrainingRequest request =
        new TrainingRequest(
            new Checkpoint("M0", folder),
            List.of(new TrainingExample.Demonstration(List.of(Message.user("Why?")), "Because.")),
            List.of(),
            TrainingSettings.sft(),
            1,
            new Checkpoint("M1", folder.resolve("M1")),
            folder.resolve("state"));
    Cancellation cancellation = new Cancellation();
    Thread canceller =
        new Thread(
            () -> {
              while (!Files.exists(folder.resolve("state").resolve("begun"))) {
                Thread.onSpinWait();
              }
              cancellation.cancel();
            });
    canceller.start();
    Trainer trainer = new ExternalTrainer("sh src/test/programs/endless.sh");
    assertThatThrownBy(() -> trainer.train(request, m -> {}, cancellation))
        .isInstanceOf(CancelledException.class);
  }
}
