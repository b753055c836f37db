package org.autodidact.onnxruntime;

import static org.autodidact.onnxruntime.OnnxGraph.MICROSOFT;
import static org.autodidact.onnxruntime.OnnxGraph.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.Arrays;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;

/**
 * Products of 8-bit integers over rotated weights: each row of activations is rounded with a scale
 * of its own, so that a result does not depend on the batch. What costs a pass over the activations
 * is left out where it can be: products that read one input share its rounding, and the scale of
 * the MLP's linear half goes through to the end.
 */
final class Int8Projections implements Projections {
  private final ModelConfig config;
  private final Int8Weights weights;
  private final OnnxGraph graph;

  /** An input in bytes, and the scale [rows, 1] that it was divided by. */
  private record Rounded(String bytes, String scale) {}

  Int8Projections(ModelConfig config, Int8Weights weights, OnnxGraph graph) {
    this.config = config;
    this.weights = weights;
    this.graph = graph;
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) 128});
    graph.floats("one", new float[] {1});
    graph.floats("levels", new float[] {127});
    graph.floats("tiny", new float[] {1e-12f});
    float[] gain = new float[config.hiddenSize()];
    Arrays.fill(gain, 1);
    graph.floats("unit_gain", gain, gain.length);
    int block = Int8Weights.block();
    graph.floats("hadamard", Rotation.hadamard(block).matrix(), block, block);
    graph.longs("blocks", -1, block);
    graph.longs("unblocked", -1, config.intermediateSize());
  }

  @Override
  public String embedding() {
    return graph.external(
        Int8Weights.EMBEDDING, DataType.FLOAT, config.vocabularySize(), config.hiddenSize());
  }

  @Override
  public String gain(String name) {
    return "unit_gain";
  }

  @Override
  public String[] queriesKeysValues(int layer, String x) {
    return new String[] {product("qkv." + layer, round(x))};
  }

  @Override
  public float attentionScale() {
    return 1;
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return product("o." + layer, round(x));
  }

  @Override
  public String mlp(int layer, String x) {
    Rounded input = round(x);
    String swish = "swish." + layer;
    graph.node(
        MICROSOFT,
        "QuickGelu",
        List.of(product("gate." + layer, input)),
        List.of(swish),
        attribute("alpha", 1f));
    // Linear from here to the end: the scale of "up" is put right after "down".
    boolean linear = weights.matrix("up." + layer).bias().length == 0;
    String up = linear ? multiply("up." + layer, input.bytes()) : product("up." + layer, input);
    String blocks = graph.node("Reshape", List.of(graph.node("Mul", List.of(swish, up)), "blocks"));
    String rotated = graph.node("MatMul", List.of(blocks, "hadamard"));
    Rounded gated = round(graph.node("Reshape", List.of(rotated, "unblocked")));
    String scale =
        linear ? graph.node("Mul", List.of(gated.scale(), input.scale())) : gated.scale();
    return product("down." + layer, new Rounded(gated.bytes(), scale));
  }

  @Override
  public void head(String x) {
    Rounded input = round(x);
    graph.node(
        "",
        "Mul",
        List.of(multiply(Int8Weights.HEAD, input.bytes()), input.scale()),
        List.of("logits"));
  }

  /** Rounds each row to its largest number. */
  private Rounded round(String x) {
    String largest =
        graph.node(
            "ReduceMax",
            List.of(graph.node("Abs", List.of(x))),
            attribute("axes", List.of(1L)),
            attribute("keepdims", 1));
    String scale =
        graph.node("Div", List.of(graph.node("Max", List.of(largest, "tiny")), "levels"));
    String bytes =
        graph.node("QuantizeLinear", List.of(graph.node("Div", List.of(x, scale)), "one", "zero"));
    return new Rounded(bytes, scale);
  }

  private String product(String name, Rounded x) {
    String scaled = graph.node("Mul", List.of(multiply(name, x.bytes()), x.scale()));
    float[] bias = weights.matrix(name).bias();
    return bias.length == 0
        ? scaled
        : graph.node("Add", List.of(scaled, graph.floats(name + ".bias", bias, bias.length)));
  }

  /** The product with bytes, not yet times their scale. */
  private String multiply(String name, String bytes) {
    Int8Weights.Matrix m = weights.matrix(name);
    DataType type = weights.signed() ? DataType.INT8 : DataType.UINT8;
    String values = graph.external(name + ".values", type, m.inputs(), m.outputs());
    String scales = graph.floats(name + ".scales", m.scales(), m.outputs());
    String zeros = "";
    if (!weights.signed()) {
      zeros = "zeros." + m.outputs();
      byte[] middle = new byte[m.outputs()];
      Arrays.fill(middle, (byte) 128);
      graph.bytesOnce(zeros, DataType.UINT8, middle);
    }
    String product = name + ":product";
    graph.node(
        MICROSOFT,
        "MatMulIntegerToFloat",
        List.of(bytes, values, "one", scales, "zero", zeros),
        List.of(product));
    return product;
  }
}
