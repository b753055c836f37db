package org.autodidact.external;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.PartOptions;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.conformance.TrainerRules;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The rules, kept by a trainer in Python without packages: none of them needs an exemption. */
class ExternalPluginTest {
  static final String TOY = "python3 src/test/programs/toy.py";

  static ExternalOptions options(String command) {
    return new ExternalOptions(
        command,
        List.of("sft", "sigmoid"),
        List.of("adamw"),
        Optional.of(List.of("held-out", "consistency", "probes")),
        Optional.empty());
  }

  static ExternalTrainer trainer(String command) {
    return new ExternalTrainer(
        options(command), ComputeSettings.automatic(), Clock.systemDefaultZone());
  }

  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new ExternalPlugin();
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return Map.of("command", TOY);
    }
  }

  @Nested
  class Rules extends TrainerRules {
    @Override
    protected Trainer create() {
      return trainer(TOY);
    }

    @Override
    protected TrainerCapabilities capabilities() {
      return options(TOY).capabilities();
    }

    @Override
    protected double learningRate() {
      return 0.1;
    }

    @Override
    protected void writeBase(Path newFolder) {
      TinyModel.write(newFolder, 1);
    }

    @Override
    protected float[] weights(Path checkpoint) {
      try (ModelFolder model = ModelFolder.open(checkpoint)) {
        TensorInfo embedding = model.tensor("model.embed_tokens.weight");
        return model.floats(embedding);
      }
    }
  }

  @Test
  void itCanDoWhatItsOptionsSay() {
    TrainerCapabilities can =
        new ExternalPlugin()
            .capabilities(
                PartOptions.of(
                    Map.of("command", "x", "losses", "sft,kto", "features", "lora,held-out")));
    assertThat(can.losses()).containsExactlyInAnyOrder(Loss.SFT, new Loss("kto"));
    assertThat(can.features()).containsExactlyInAnyOrder(Feature.LORA, Feature.HELD_OUT);
  }
}
