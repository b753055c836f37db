package org.autodidact.onnxruntime;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.onnxruntime.gpu.GpuGenerator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The generator for GPUs, on {@link TestDevice}. */
class DeviceGeneratorConformanceTest extends GeneratorRules {
  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  @Override
  protected Generator open() {
    return GpuGenerator.open(
        new GeneratorContext(
            new Checkpoint("M0", folder.resolve("tiny")), ComputeSettings.automatic()),
        TestDevice.in(folder.resolve("engines")));
  }

  /** What the provider says for all devices, but for what is there on the CPU alone. */
  @Override
  protected Set<GeneratorCapability> capabilities() {
    Set<GeneratorCapability> can =
        EnumSet.copyOf(new OnnxRuntimePlugin().generators().get(0).capabilities());
    can.remove(GeneratorCapability.REPETITION_PENALTY);
    return can;
  }

  @Override
  protected boolean isCalledByHosts() {
    return true;
  }
}
