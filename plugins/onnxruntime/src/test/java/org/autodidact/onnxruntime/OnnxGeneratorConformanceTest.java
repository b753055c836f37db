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

class OnnxGeneratorConformanceTest extends GeneratorRules {
  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  @Override
  protected Generator open() {
    return CpuGenerator.open(
        new Checkpoint("M0", folder.resolve("tiny")), ComputeSettings.automatic());
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
