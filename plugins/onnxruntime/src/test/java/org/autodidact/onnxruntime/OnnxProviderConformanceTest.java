package org.autodidact.onnxruntime;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.ProviderRules;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class OnnxProviderConformanceTest extends ProviderRules {
  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  /** The generator alone: the reward model's judge has tests of its own, with a model. */
  @Override
  protected Plugin plugin() {
    return new Plugin() {
      @Override
      public String name() {
        return "onnxruntime";
      }

      @Override
      public List<GeneratorProvider> generators() {
        return new OnnxRuntimePlugin().generators();
      }
    };
  }

  @Override
  protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
    return Optional.of(new Checkpoint("M0", folder.resolve("tiny")));
  }
}
