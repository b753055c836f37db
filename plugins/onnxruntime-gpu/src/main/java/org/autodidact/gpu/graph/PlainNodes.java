package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * What ONNX Runtime has operators of its own for, of standard ONNX alone, which TensorRT takes.
 * Means, sums and exponentials are computed in float32.
 */
final class PlainNodes {
  private final OnnxGraphBuilder graph;
  private final ModelConfig config;
  private final DataType type;
  private final Map<String, String> shapes = new HashMap<>();

  PlainNodes(OnnxGraphBuilder graph, ModelConfig config, DataType type) {
    this.graph = graph;
    this.config = config;
    this.type = type;
  }

  private String cast(String x, DataType to) {
    return type == DataType.FLOAT
        ? x
        : graph.node("Cast", List.of(x), attribute("to", (long) to.getNumber()));
  }

  String asFloat(String x) {
    return cast(x, DataType.FLOAT);
  }

  /** Float32 as the layers' type. */
  String asType(String x) {
    return cast(x, type);
  }

  /** RMSNorm over the last dimension. */
  String norm(String x, String gain) {
    String exact = asFloat(x);
    String mean =
        graph.node(
            "ReduceMean",
            List.of(graph.node("Mul", exact, exact)),
            attribute("axes", List.of(-1L)),
            attribute("keepdims", 1));
    String size =
        graph.node(
            "Sqrt", graph.node("Add", mean, graph.floatScalar((float) config.norm().epsilon())));
    return graph.node("Mul", asType(graph.node("Div", exact, size)), gain);
  }

  /** GELU by tanh. */
  String gelu(String x) {
    String exact = asFloat(x);
    String cube = graph.node("Mul", graph.node("Mul", exact, exact), exact);
    String inner = graph.node("Add", exact, graph.node("Mul", cube, graph.floatScalar(0.044715f)));
    String tanh =
        graph.node(
            "Tanh", graph.node("Mul", inner, graph.floatScalar((float) Math.sqrt(2 / Math.PI))));
    String half = graph.node("Mul", exact, graph.floatScalar(0.5f));
    return asType(graph.node("Mul", half, graph.node("Add", tanh, graph.floatScalar(1))));
  }

  /** A shape's constant; 0 keeps the dimension. */
  String reshaped(String x, long... shape) {
    String name = "shape." + java.util.Arrays.toString(shape);
    return graph.node("Reshape", x, shapes.computeIfAbsent(name, n -> graph.longs(n, shape)));
  }

  String transposed(String x, Long... order) {
    return graph.node("Transpose", List.of(x), attribute("perm", List.of(order)));
  }

  String unsqueezed(String x, long... axes) {
    String name = "axes." + java.util.Arrays.toString(axes);
    return graph.node("Unsqueeze", x, shapes.computeIfAbsent(name, n -> graph.longs(n, axes)));
  }

  /** The length of a dimension, a scalar. */
  String length(String x, long dimension) {
    return graph.node("Gather", graph.node("Shape", x), graph.longScalar(dimension));
  }

  /** 0, 1, … */
  String range(String length) {
    return graph.node("Range", graph.longScalar(0), length, graph.longScalar(1));
  }

  /**
   * RoPE (Su et al., 2021), the halves of a head being its coordinates.
   *
   * @param x [B, S, heads, head size]
   * @param cosines and sines: [B or none, S, 1, head size / 2]
   */
  String rotated(String x, String cosines, String sines) {
    List<String> half = List.of(x + ".half.0", x + ".half.1");
    graph.node("", "Split", List.of(x), half, attribute("axis", -1));
    String first =
        graph.node(
            "Sub", graph.node("Mul", half.get(0), cosines), graph.node("Mul", half.get(1), sines));
    String second =
        graph.node(
            "Add", graph.node("Mul", half.get(1), cosines), graph.node("Mul", half.get(0), sines));
    return graph.node("Concat", List.of(first, second), attribute("axis", -1));
  }

  /** Scores in float32, × the attention's scale. */
  String scores(String queries, String keys) {
    return graph.node(
        "Mul",
        asFloat(graph.node("MatMul", queries, keys)),
        graph.floatScalar((float) config.attentionScale()));
  }

  String masked(String visible, String scores) {
    return graph.node("Where", visible, scores, graph.floatScalar(-1e9f));
  }

  /** Weights in the layers' type. */
  String softmax(String scores) {
    return asType(graph.node("Softmax", List.of(scores), attribute("axis", -1)));
  }
}
