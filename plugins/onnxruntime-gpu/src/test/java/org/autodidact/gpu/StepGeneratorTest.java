package org.autodidact.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.gpu.decode.StepGenerator;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.LiveHandles;
import org.autodidact.gpu.ort.OrtLibrary;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Slots, rounds, hand-over, memory and refusals, on the CPU provider over a small model. */
class StepGeneratorTest {
  private static final OrtLibrary LIBRARY = OrtLibrary.load(Optional.empty());
  private static final StepGenerator.Decoding DECODING = new StepGenerator.Decoding(8, 4, 256);

  @TempDir static Path folder;
  private static Path tiny;

  @BeforeAll
  static void write() {
    tiny = TinyModel.write(folder.resolve("tiny"), 5);
  }

  private static StepGenerator open(Path model, StepGenerator.Decoding decoding, int megabytes) {
    return open(model, decoding, megabytes, false);
  }

  private static StepGenerator open(
      Path model, StepGenerator.Decoding decoding, int megabytes, boolean keeps) {
    return StepGenerator.open(
        ModelFolder.open(model),
        new StepGenerator.Place(LIBRARY, "cpu", () -> new HostDevice(1), ElementType.FLOAT),
        decoding,
        new ComputeSettings(Precision.AUTO, 1, megabytes),
        keeps);
  }

  private static List<GenerationRequest> requests() {
    return IntStream.range(0, 7)
        .mapToObj(
            i ->
                new GenerationRequest(
                    Prompt.of("p" + i, "word ".repeat(11 * i + 1)),
                    List.of(1L, 2L, 3L),
                    SamplingParameters.candidates(40 - 5 * i)))
        .toList();
  }

  private static Map<String, List<List<Integer>>> tokens(Generator generator) {
    Map<String, List<List<Integer>>> found = new HashMap<>();
    generator.generate(
        requests(),
        g -> found.put(g.promptId(), g.candidates().stream().map(Candidate::tokens).toList()),
        new Cancellation());
    return found;
  }

  /** 21 sequences: in all slots at once, in few that they follow one another in, and alone. */
  @ParameterizedTest
  @CsvSource({"1, 8, 256", "2, 1, 256", "4, 64, 256", "32, 5, 256", "8, 4, 1", "8, 7, 20"})
  void tokensDoNotDependOnSlotsRoundsOrSorting(int slots, int steps, int likeliest) {
    Map<String, List<List<Integer>>> expected;
    try (StepGenerator generator = open(tiny, DECODING, 0)) {
      expected = tokens(generator);
    }
    try (StepGenerator generator =
        open(tiny, new StepGenerator.Decoding(slots, steps, likeliest), 0)) {
      assertThat(tokens(generator)).isEqualTo(expected);
      // A batch is used again.
      assertThat(tokens(generator)).isEqualTo(expected);
    }
  }

  @Test
  void theNextCheckpointTakesThePlaceOfTheClosedOne() {
    Path next = TinyModel.write(folder.resolve("next"), 6);
    Map<String, List<List<Integer>>> first;
    try (StepGenerator generator = open(tiny, DECODING, 0)) {
      first = tokens(generator);
    }
    Map<String, List<List<Integer>>> second;
    try (StepGenerator generator = open(next, DECODING, 0)) {
      second = tokens(generator);
    }
    assertThat(second).isNotEqualTo(first);
    assertThat(LIBRARY.live().counts()).isEmpty();
    Map<LiveHandles.Kind, Integer> kept = Map.of();
    for (int i = 0; i < 3; i++) {
      try (StepGenerator generator = open(tiny, DECODING, 0, true)) {
        assertThat(tokens(generator)).isEqualTo(first);
      }
      if (i > 0) {
        assertThat(LIBRARY.live().counts()).isEqualTo(kept);
      }
      kept = LIBRARY.live().counts();
      assertThat(kept).containsKey(LiveHandles.Kind.SESSION);
      try (StepGenerator generator = open(next, DECODING, 0, true)) {
        // One that is in use is nobody else's.
        try (StepGenerator beside = open(tiny, DECODING, 0)) {
          assertThat(tokens(beside)).isEqualTo(first);
        }
        assertThat(tokens(generator)).isEqualTo(second);
      }
    }
    // Another architecture is not taken for it, and what was kept is freed.
    Path other = SmallModels.write(folder.resolve("other"), "qwen3");
    open(other, DECODING, 0).close();
    assertThat(LIBRARY.live().counts()).isEmpty();
    open(tiny, DECODING, 0, true).close();
    assertThat(LIBRARY.live().counts()).isNotEmpty();
    StepGenerator.releaseKept();
    assertThat(LIBRARY.live().counts()).isEmpty();
  }

  @Test
  void aCallThatEndedByAnExceptionLeavesNothingBehind() {
    try (StepGenerator generator = open(tiny, DECODING, 0)) {
      Map<String, List<List<Integer>>> expected = tokens(generator);
      assertThatThrownBy(
              () ->
                  generator.generate(
                      requests(),
                      g -> {
                        throw new IllegalStateException("full");
                      },
                      new Cancellation()))
          .hasMessage("full");
      assertThat(tokens(generator)).isEqualTo(expected);
    }
  }

  @Test
  void littleMemoryGivesTheSameByFewerSlotsAndTooLittleIsRefused() {
    Map<String, List<List<Integer>>> expected;
    try (StepGenerator generator = open(tiny, DECODING, 0)) {
      expected = tokens(generator);
    }
    try (StepGenerator generator = open(tiny, DECODING, 1)) {
      assertThat(tokens(generator)).isEqualTo(expected);
      List<GenerationRequest> longest =
          List.of(
              new GenerationRequest(
                  Prompt.of("p", "word ".repeat(20)),
                  List.of(1L),
                  SamplingParameters.candidates(900)));
      generator.generate(longest, g -> {}, new Cancellation());
    }
  }

  @Test
  void whatIsNotThereIsRefusedInOneLine() {
    SamplingParameters penalized = new SamplingParameters(4, 0.7, 0, 0.9, 0, 1.2, List.of(), false);
    try (StepGenerator generator = open(tiny, DECODING, 0)) {
      assertThatThrownBy(
              () ->
                  generator.generate(
                      List.of(new GenerationRequest(Prompt.of("p", "a"), List.of(1L), penalized)),
                      g -> {},
                      new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("repetition penalty");
    }
    refused(Precision.AUTO, Device.CUDA, Map.of(), "is an ONNX Runtime without CUDA");
    refused(Precision.AUTO, Device.TENSORRT, Map.of(), "device tensorrt cannot be used: ");
    refused(Precision.BF16, Device.CPU, Map.of(), "use fp32 or auto, or fp16");
    refused(
        Precision.AUTO,
        Device.CPU,
        Map.of("library", folder.resolve("none.so").toString()),
        "none.so is not there");
    refused(
        Precision.AUTO,
        Device.CPU,
        Map.of("library", folder.toString()),
        folder + " is no file; expected a library of ONNX Runtime: name another file");
    assertThat(LIBRARY.live().counts()).isEmpty();
  }

  private static void refused(
      Precision precision, Device device, Map<String, String> options, String message) {
    GeneratorProvider provider = new OnnxRuntimeGpuPlugin().generators().get(0);
    GeneratorContext context =
        new GeneratorContext(
            new Checkpoint("M0", tiny),
            new ComputeSettings(precision, 1, 0, device),
            PartOptions.of(options),
            Clock.systemDefaultZone(),
            new Cancellation());
    assertThatThrownBy(() -> provider.check(context))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> provider.open(context))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining(message);
  }

  @Test
  void doctorSaysWhatIsThere() {
    assertThat(new OnnxRuntimeGpuPlugin().diagnose())
        .anyMatch(line -> line.startsWith("ONNX Runtime 1.28.0 by foreign functions"))
        .anyMatch(line -> line.startsWith("CUDA by foreign functions: "))
        .anyMatch(line -> line.startsWith("TensorRT by foreign functions: "));
  }

  /**
   * Memory that is not given back grows each time; what the JVM itself takes or gives back, which
   * is as much, does not. 40 caches of 8 slots of 192 tokens are 15 MiB.
   */
  @Test
  @EnabledOnOs(OS.LINUX)
  void openingAndClosingDoesNotGrow() throws Exception {
    repeat(40);
    List<Long> grown = new ArrayList<>();
    do {
      long before = bytesBesideTheHeap();
      repeat(40);
      grown.add(bytesBesideTheHeap() - before);
      assertThat(LIBRARY.live().counts()).isEmpty();
      assertThat(grown).as("bytes after 40 generators each").hasSizeLessThan(8);
    } while (grown.get(grown.size() - 1) > 6L << 20);
  }

  private static void repeat(int times) {
    for (int i = 0; i < times; i++) {
      try (StepGenerator generator = open(tiny, DECODING, 0)) {
        generator.generate(requests().subList(0, 2), g -> {}, new Cancellation());
      }
    }
  }

  /** The heap grows as it likes. */
  private static long bytesBesideTheHeap() throws Exception {
    String resident = Files.readString(Path.of("/proc/self/statm")).split(" ")[1];
    return Long.parseLong(resident) * 4096 - Runtime.getRuntime().totalMemory();
  }
}
