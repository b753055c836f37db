package org.autodidact.gpu;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.GeneratorRules;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The generator on {@link TestDevice}, with few slots, so that sequences follow one another. */
class StepGeneratorConformanceTest extends GeneratorRules {
  private static final GeneratorProvider PROVIDER = new OnnxRuntimeGpuPlugin().generators().get(0);

  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  @Override
  protected Generator open() {
    return PROVIDER.open(
        new GeneratorContext(
            new Checkpoint("M0", folder.resolve("tiny")),
            new ComputeSettings(ComputeSettings.Precision.AUTO, 1, 0, TestDevice.device()),
            PartOptions.of(Map.of("slots", "4", "steps-per-read", "3", "likeliest", "16")),
            java.time.Clock.systemDefaultZone(),
            new Cancellation()));
  }

  @Override
  protected Set<GeneratorCapability> capabilities() {
    return PROVIDER.capabilities();
  }

  @Override
  protected boolean isCalledByHosts() {
    return true;
  }
}
