package org.autodidact.onnxruntime;

import java.nio.file.Path;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.ScorerRules;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class OnnxScorerConformanceTest extends ScorerRules {
  @TempDir static Path folder;

  @BeforeAll
  static void write() {
    TinyModel.write(folder.resolve("tiny"), 5);
  }

  @Override
  protected Generator open() {
    return new OnnxRuntimePlugin()
        .generators()
        .get(0)
        .open(new Checkpoint("M0", folder.resolve("tiny")), ComputeSettings.automatic());
  }
}
