package org.autodidact.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which steps are done again, over a model whose tokens are about equally likely. */
class SortedStepsTest {
  private static final SamplingParameters ALL =
      new SamplingParameters(20, 1, 0, 1, 0, 1, List.of(), true);
  private static final SamplingParameters NUCLEUS =
      new SamplingParameters(20, 1, 0, 0.9, 0, 1, List.of(), true);
  private static final ComputeSettings FP32 =
      new ComputeSettings(ComputeSettings.Precision.FP32, 1, 0);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Operators.class)
  void whereNoTokenIsLeftOutNoneIsSorted(Operators operators) {
    Path tiny = TinyModel.write(folder.resolve("tiny"), 5);
    List<GenerationRequest> all = requests(List.of(ALL));
    List<GenerationRequest> mixed = requests(List.of(ALL, NUCLEUS, SamplingParameters.greedy(20)));
    try (CpuGenerator cpu = CpuGenerator.open(new Checkpoint("M0", tiny), FP32);
        StepGenerator generator =
            StepGenerator.open(
                ModelFolder.open(tiny),
                new StepGenerator.Place(
                    OrtLibrary.load(Optional.empty()),
                    "cpu",
                    () -> new HostDevice(1),
                    ElementType.FLOAT,
                    operators),
                new StepGenerator.Decoding(8, 4, 8),
                FP32,
                false)) {
      assertThat(tokens(generator, all)).isEqualTo(tokens(cpu, all));
      assertThat(generator.sortedSteps()).isZero();
      // Those of one batch that leave tokens out are sampled from the likeliest all the same.
      assertThat(tokens(generator, mixed)).isEqualTo(tokens(cpu, mixed));
      assertThat(generator.sortedSteps()).isPositive();
    }
  }

  private static List<GenerationRequest> requests(List<SamplingParameters> settings) {
    return IntStream.range(0, 6)
        .mapToObj(
            i ->
                new GenerationRequest(
                    Prompt.of("p" + i, "word ".repeat(3 * i + 1)),
                    List.of(1L + i, 20L + i),
                    settings.get(i % settings.size())))
        .toList();
  }

  private static Map<String, List<List<Integer>>> tokens(
      Generator generator, List<GenerationRequest> requests) {
    Map<String, List<List<Integer>>> found = new HashMap<>();
    generator.generate(
        requests,
        g -> found.put(g.promptId(), g.candidates().stream().map(Candidate::tokens).toList()),
        new Cancellation());
    return found;
  }
}
