package org.autodidact.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.graph.PrefillGraph;
import org.autodidact.gpu.graph.StepLayersGraph;
import org.autodidact.gpu.ort.ElementType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What TensorRT is asked to build: of operators that its parser has, for the graphs' own inputs.
 */
class EngineShapesTest {
  /** Of those in onnx-tensorrt's list of operators, the ones that these graphs have. */
  private static final Set<String> OPERATORS =
      Set.of(
          "Add",
          "And",
          "Cast",
          "Concat",
          "Div",
          "Gather",
          "GatherND",
          "Gemm",
          "Greater",
          "Identity",
          "Less",
          "LessOrEqual",
          "LogSoftmax",
          "MatMul",
          "Mul",
          "Range",
          "ReduceMean",
          "Reshape",
          "Shape",
          "Sigmoid",
          "Slice",
          "Softmax",
          "Split",
          "Sqrt",
          "Sub",
          "Tanh",
          "Transpose",
          "Unsqueeze",
          "Where");

  @TempDir Path folder;

  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void profilesAreOfTheInputsWithoutASize(String name) throws Exception {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name))) {
      ModelConfig config = model.config();
      ElementType type = ElementType.BFLOAT16;
      PrefillPass.Limits limits = Prefiller.ENGINE_LIMITS;
      check(StepLayersGraph.build(config, type), EngineShapes.step(config, 256));
      check(StepLayersGraph.build(config, type), EngineShapes.step(config, 1));
      check(
          PrefillGraph.filling(config, type, Operators.PLAIN),
          EngineShapes.prefill(config, limits, false));
      byte[] scoring = PrefillGraph.scoring(config, type, Operators.PLAIN);
      EngineShapes shapes = EngineShapes.prefill(config, limits, true);
      check(scoring, shapes);
      // An architecture has one key; other shapes and other graphs have others.
      assertThat(shapes.key(scoring)).isEqualTo(shapes.key(scoring.clone()));
      assertThat(EngineShapes.prefill(config, Prefiller.LIMITS, false).key(scoring))
          .isNotEqualTo(shapes.key(scoring));
      assertThat(shapes.settings(Path.of("engines"), type, true))
          .containsEntry("trt_bf16_enable", "1")
          .containsEntry("trt_fp16_enable", "0")
          .containsEntry("trt_cuda_graph_enable", "1")
          .containsEntry("trt_profile_max_shapes", shapes.max());
    }
  }

  private static void check(byte[] graph, EngineShapes shapes) throws Exception {
    ModelProto model = ModelProto.parseFrom(graph);
    assertThat(model.getGraph().getNodeList()).extracting(NodeProto::getDomain).containsOnly("");
    assertThat(model.getGraph().getNodeList())
        .extracting(NodeProto::getOpType)
        .allMatch(OPERATORS::contains);
    Map<String, List<Dimension>> open = new HashMap<>();
    for (ValueInfoProto input : model.getGraph().getInputList()) {
      List<Dimension> dimensions = input.getType().getTensorType().getShape().getDimList();
      if (dimensions.stream().anyMatch(Dimension::hasDimParam)) {
        open.put(input.getName(), dimensions);
      }
    }
    Map<String, int[]> min = parsed(shapes.min());
    Map<String, int[]> optimal = parsed(shapes.optimal());
    Map<String, int[]> max = parsed(shapes.max());
    assertThat(min.keySet()).isEqualTo(open.keySet());
    assertThat(optimal.keySet()).isEqualTo(open.keySet());
    assertThat(max.keySet()).isEqualTo(open.keySet());
    open.forEach(
        (name, dimensions) -> {
          assertThat(min.get(name)).hasSameSizeAs(dimensions);
          for (int i = 0; i < dimensions.size(); i++) {
            int least = min.get(name)[i];
            int most = max.get(name)[i];
            assertThat(optimal.get(name)[i]).isBetween(least, most);
            if (dimensions.get(i).hasDimValue()) {
              assertThat(least).isEqualTo(most).isEqualTo((int) dimensions.get(i).getDimValue());
            }
          }
        });
  }

  private static Map<String, int[]> parsed(String shapes) {
    Map<String, int[]> found = new HashMap<>();
    for (String shape : shapes.split(",")) {
      String[] parts = shape.split(":");
      found.put(parts[0], Arrays.stream(parts[1].split("x")).mapToInt(Integer::parseInt).toArray());
    }
    return found;
  }
}
