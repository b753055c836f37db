package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedFilesTest {
  @TempDir Path folder;

  /** The embedding is read in many pieces, once for itself and once, tied, for the head. */
  @Test
  void aTensorIsMappedOnceForAllOfItsPieces() {
    try (ModelFolder model = ModelFolder.open(TinyModel.write(folder.resolve("tiny"), 5))) {
      long before = mapped();
      try (Int8Weights weights = Int8Weights.of(model, true, 1, new Cancellation())) {
        assertThat(weights.matrices()).isNotEmpty();
        // Norms are read for each matrix that takes their gains: by qkv, gate, up and head.
        int norms = 3 * model.config().layers() + 1;
        int matrices = 7 * model.config().layers() + 2;
        assertThat(mapped() - before).isLessThanOrEqualTo(norms + matrices);
      }
    }
  }

  private static long mapped() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("mapped"))
        .mapToLong(BufferPoolMXBean::getCount)
        .sum();
  }
}
