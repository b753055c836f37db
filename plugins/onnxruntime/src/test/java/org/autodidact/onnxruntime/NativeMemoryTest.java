package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.vector.VectorBackend;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a generator takes it gives back, without help from the collector. */
class NativeMemoryTest {
  @TempDir Path folder;

  /** Heads of 64 in 8 bits are the vectors' ({@link VectorBackend}), smaller ones the graph's. */
  @ParameterizedTest
  @CsvSource({"fp32, 16", "int8, 16", "int8, 64"})
  @EnabledOnOs(OS.LINUX)
  void openingAndClosingDoesNotGrow(ComputeSettings.Precision precision, int head)
      throws Exception {
    Path model = TinyModel.write(folder.resolve("tiny"), 5, head);
    repeat(model, precision, 20);
    long before = bytesBesideTheHeap();
    int times = 60;
    repeat(model, precision, times);
    long grown = bytesBesideTheHeap() - before;
    // The cache of 64 rows alone is 8 MiB a time: a leak of it would be 480 MiB.
    assertThat(grown).as("bytes after %d generators", times).isLessThan(240L << 20);
  }

  private static void repeat(Path model, ComputeSettings.Precision precision, int times) {
    for (int i = 0; i < times; i++) {
      try (CpuGenerator generator =
          CpuGenerator.open(new Checkpoint("M0", model), new ComputeSettings(precision, 0, 0))) {
        List<GenerationRequest> requests =
            java.util.stream.IntStream.range(0, 64)
                .mapToObj(
                    p ->
                        new GenerationRequest(
                            Prompt.of("p" + p, "x".repeat(400)),
                            List.of(1L),
                            SamplingParameters.candidates(2)))
                .toList();
        generator.generate(requests, g -> {}, new Cancellation());
      }
    }
  }

  /** The heap grows as it likes. */
  private static long bytesBesideTheHeap() throws Exception {
    String resident = Files.readString(Path.of("/proc/self/statm")).split(" ")[1];
    return Long.parseLong(resident) * 4096 - Runtime.getRuntime().totalMemory();
  }
}
