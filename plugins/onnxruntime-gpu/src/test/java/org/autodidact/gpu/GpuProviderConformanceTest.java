package org.autodidact.gpu;

import java.nio.file.Path;
import java.util.Optional;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.ProviderRules;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class GpuProviderConformanceTest extends ProviderRules {
  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  @Override
  protected Plugin plugin() {
    return new OnnxRuntimeGpuPlugin();
  }

  @Override
  protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
    return Optional.of(new Checkpoint("M0", folder.resolve("tiny")));
  }
}
