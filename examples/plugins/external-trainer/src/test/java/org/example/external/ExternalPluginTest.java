package org.example.external;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.conformance.TrainerRules;
import org.junit.jupiter.api.Nested;

/** With a stub of a trainer in Python, whose model is 26 numbers. */
class ExternalPluginTest {
  private static final String COMMAND = "python3 src/test/python/train.py";

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
}
