package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.gpu.GenerationLoopGraph;
import org.autodidact.onnxruntime.gpu.GpuGenerator;
import org.autodidact.onnxruntime.gpu.GpuSessions;
import org.autodidact.onnxruntime.gpu.ScoringGraph;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The graphs for GPUs of each architecture, run on the CPU, and what is refused there. */
class DeviceGraphsTest {
  @TempDir Path folder;

  private GpuSessions device() {
    return TestDevice.in(folder.resolve("engines"));
  }

  private ModelFolder open(String name) {
    return ModelFolder.open(SmallModels.write(folder.resolve(name), name));
  }

  /** Both prompts in one run, padded; their answers reach beyond the window. */
  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void theLoopWritesTransformersTokens(String name) throws Exception {
    List<ArchitecturesTest.Prompt> prompts = ArchitecturesTest.golden(name + "/golden.json");
    int rows = prompts.size();
    int steps = prompts.get(0).greedy().size();
    int width = prompts.stream().mapToInt(p -> p.ids().length).max().orElseThrow();
    try (ModelFolder model = open(name);
        OwnedSession session = device().open(model, GenerationLoopGraph.build(model));
        RunTensors tensors = new RunTensors()) {
      long[] ids = new long[rows * width];
      for (int r = 0; r < rows; r++) {
        for (int t = 0; t < prompts.get(r).ids().length; t++) {
          ids[r * width + t] = prompts.get(r).ids()[t];
        }
      }
      tensors.input("input_ids", ids, rows, width);
      tensors.input("lengths", prompts.stream().mapToLong(p -> p.ids().length).toArray(), rows);
      tensors.input("prompt_of_sequence", IntStream.range(0, rows).asLongStream().toArray(), rows);
      tensors.input("uniforms", new double[steps * rows], steps, rows);
      float[] ones = new float[rows];
      Arrays.fill(ones, 1);
      tensors.input("inverse_temperature", ones, rows, 1);
      tensors.input("top_k", IntStream.range(0, rows).mapToLong(r -> 1).toArray(), rows, 1);
      tensors.input("top_p", IntStream.range(0, rows).mapToDouble(r -> 1).toArray(), rows, 1);
      tensors.input("min_p", new double[rows], rows, 1);
      tensors.input("max_tokens", IntStream.range(0, rows).mapToLong(r -> steps).toArray(), rows);
      boolean[] ignore = new boolean[rows];
      Arrays.fill(ignore, true);
      tensors.input("ignore_end", ignore);
      try (OrtSession.Result result = session.run(tensors.inputs())) {
        long[][] found = (long[][]) result.get("tokens").orElseThrow().getValue();
        for (int r = 0; r < rows; r++) {
          int row = r;
          assertThat(Arrays.stream(found).map(step -> (int) step[row]).toList())
              .isEqualTo(prompts.get(r).greedy());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void readingGivesTransformersProbabilities(String name) throws Exception {
    List<ArchitecturesTest.Prompt> prompts = ArchitecturesTest.golden(name + "/golden.json");
    try (ModelFolder model = open(name);
        OwnedSession session = device().open(model, ScoringGraph.build(model))) {
      for (ArchitecturesTest.Prompt prompt : prompts) {
        double[] logits = prompt.logits();
        double total = Math.log(Arrays.stream(logits).map(Math::exp).sum());
        List<Long> targets = new ArrayList<>();
        for (long t = 0; t < logits.length; t++) {
          targets.addAll(List.of(0L, t));
        }
        try (RunTensors tensors = new RunTensors()) {
          tensors.input(
              "input_ids",
              Arrays.stream(prompt.ids()).asLongStream().toArray(),
              1,
              prompt.ids().length);
          tensors.input("rows", new long[] {prompt.ids().length - 1}, 1);
          tensors.input("targets", targets.stream().mapToLong(t -> t).toArray(), logits.length, 2);
          try (OrtSession.Result result = session.run(tensors.inputs())) {
            float[] found = (float[]) result.get(0).getValue();
            for (int t = 0; t < logits.length; t++) {
              assertThat((double) found[t]).isCloseTo(logits[t] - total, within(1e-3));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void whatTensorRtReadsIsOfPlainOperators(String name) throws Exception {
    try (ModelFolder model = open(name)) {
      assertThat(nodes(ModelProto.parseFrom(ScoringGraph.build(model)).getGraph()))
          .isNotEmpty()
          .allMatch(node -> node.getDomain().isEmpty())
          .noneMatch(node -> node.getOpType().startsWith("Simplified"));
    }
  }

  private static Stream<NodeProto> nodes(GraphProto graph) {
    return graph.getNodeList().stream()
        .flatMap(
            node ->
                Stream.concat(
                    Stream.of(node),
                    node.getAttributeList().stream()
                        .filter(AttributeProto::hasG)
                        .flatMap(a -> nodes(a.getG()))));
  }

  private GpuGenerator tiny(ComputeSettings settings) {
    Path path = folder.resolve("tiny");
    if (!path.toFile().exists()) {
      TinyModel.write(path, 5);
    }
    return GpuGenerator.open(new GeneratorContext(new Checkpoint("M0", path), settings), device());
  }

  @Test
  void whatIsNotThereIsRefusedBeforeAnythingIsGenerated() {
    SamplingParameters penalized = new SamplingParameters(4, 0.7, 0, 0.9, 0, 1.2, List.of(), false);
    try (GpuGenerator generator = tiny(ComputeSettings.automatic())) {
      assertThatThrownBy(
              () ->
                  generator.generate(
                      List.of(new GenerationRequest(Prompt.of("p", "a"), List.of(1L), penalized)),
                      g -> {},
                      new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("repetition penalty")
          .hasMessageContaining("device cpu");
    }
    assertThatThrownBy(() -> tiny(new ComputeSettings(ComputeSettings.Precision.INT8, 0, 0)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("int8 is supported on the CPU only");
  }

  /** A budget for few rows makes many runs of the same candidates. */
  @Test
  void smallMemoryGivesTheSameInMoreRuns() {
    List<GenerationRequest> requests =
        IntStream.range(0, 5)
            .mapToObj(
                i ->
                    new GenerationRequest(
                        Prompt.of("p" + i, "word ".repeat(20 * i + 1)),
                        List.of(1L, 2L, 3L),
                        SamplingParameters.candidates(600 - 100 * i)))
            .toList();
    List<Generation> large = new ArrayList<>();
    try (GpuGenerator generator = tiny(ComputeSettings.automatic())) {
      generator.generate(requests, large::add, new Cancellation());
    }
    List<Generation> small = new ArrayList<>();
    try (GpuGenerator generator = tiny(new ComputeSettings(ComputeSettings.Precision.AUTO, 0, 6))) {
      generator.generate(requests, small::add, new Cancellation());
      assertThatThrownBy(
              () ->
                  generator.generate(
                      List.of(
                          new GenerationRequest(
                              Prompt.of("p", "word ".repeat(190)),
                              List.of(1L),
                              SamplingParameters.candidates(9))),
                      g -> {},
                      new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("raise --memory");
    }
    assertThat(small).hasSize(5);
    assertThat(tokens(small)).isEqualTo(tokens(large));
  }

  private static Map<String, List<List<Integer>>> tokens(List<Generation> generations) {
    Map<String, List<List<Integer>>> tokens = new HashMap<>();
    for (Generation generation : generations) {
      tokens.put(
          generation.promptId(), generation.candidates().stream().map(Candidate::tokens).toList());
    }
    return tokens;
  }
}
