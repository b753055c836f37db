package org.autodidact.onnxruntime;

import java.nio.file.Path;
import java.util.Set;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The rules in 8 bits, computed with the Vector API. */
class VectorGeneratorConformanceTest extends GeneratorRules {
  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5, 64);
  }

  @Override
  protected Generator open() {
    return CpuGenerator.open(
        new Checkpoint("M0", folder.resolve("tiny")),
        new ComputeSettings(ComputeSettings.Precision.INT8, 2, 0));
  }

  @Override
  protected Set<GeneratorCapability> capabilities() {
    return new OnnxRuntimePlugin().generators().get(0).capabilities();
  }

  @Override
  protected boolean isCalledByHosts() {
    return true;
  }
}
