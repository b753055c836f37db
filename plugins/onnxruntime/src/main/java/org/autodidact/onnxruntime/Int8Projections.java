package org.autodidact.onnxruntime;

import static org.autodidact.onnxruntime.OnnxGraph.MICROSOFT;
import static org.autodidact.onnxruntime.OnnxGraph.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.Arrays;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;

/**
 * Products of 8-bit integers over rotated weights: each row of activations is rounded with a scale
 * of its own, so that a result does not depend on the batch.
 */
final class Int8Projections implements Projections {
  private final ModelConfig config;
  private final Int8Weights weights;
  private final OnnxGraph graph;
  private final String zero;
  private final String one;

  Int8Projections(ModelConfig config, Int8Weights weights, OnnxGraph graph) {
    this.config = config;
    this.weights = weights;
    this.graph = graph;
    this.zero = graph.bytes("zero", DataType.UINT8, new byte[] {(byte) 128});
    this.one = graph.floats("one", new float[] {1});
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
    String all = product("qkv." + layer, x);
    int query = config.heads() * config.headSize();
    int value = config.keyValueHeads() * config.headSize();
    return split(all, layer == 0 ? graph.longs("qkv.split", query, value, value) : "qkv.split", 3);
  }

  private String[] split(String x, String sizes, int count) {
    String[] parts = new String[count];
    for (int i = 0; i < count; i++) {
      parts[i] = x + "." + i;
    }
    graph.node("", "Split", List.of(x, sizes), List.of(parts), attribute("axis", 1));
    return parts;
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return product("o." + layer, x);
  }

  @Override
  public String mlp(int layer, String x) {
    int size = config.intermediateSize();
    String sizes = layer == 0 ? graph.longs("gate_up.split", size, size) : "gate_up.split";
    String[] gateUp = split(product("gate_up." + layer, x), sizes, 2);
    String swish = "swish." + layer;
    graph.node(MICROSOFT, "QuickGelu", List.of(gateUp[0]), List.of(swish), attribute("alpha", 1f));
    String gated = graph.node("Mul", List.of(swish, gateUp[1]));
    String blocks = graph.node("Reshape", List.of(gated, "blocks"));
    String rotated = graph.node("MatMul", List.of(blocks, "hadamard"));
    return product("down." + layer, graph.node("Reshape", List.of(rotated, "unblocked")));
  }

  @Override
  public void head(String x) {
    product(Int8Weights.HEAD, x, "logits");
  }

  private String product(String name, String x) {
    return product(name, x, name + ":scaled");
  }

  private String product(String name, String x, String output) {
    Int8Weights.Matrix m = weights.matrix(name);
    DataType type = weights.signed() ? DataType.INT8 : DataType.UINT8;
    String values = graph.external(name + ".values", type, m.inputs(), m.outputs());
    String scales = graph.floats(name + ".scales", m.scales(), m.outputs());
    String most =
        graph.node(
            "Max",
            List.of(
                extreme("ReduceMax", x),
                graph.node("Neg", List.of(extreme("ReduceMin", x))),
                "tiny"));
    String scale = graph.node("Div", List.of(most, "levels"));
    String rounded =
        graph.node("QuantizeLinear", List.of(graph.node("Div", List.of(x, scale)), one, zero));
    String whole = name + ":product";
    graph.node(
        MICROSOFT,
        "MatMulIntegerToFloat",
        weights.signed()
            ? List.of(rounded, values, one, scales, zero)
            : List.of(rounded, values, one, scales, zero, "zeros." + m.outputs()),
        List.of(whole));
    if (!weights.signed()) {
      byte[] zeros = new byte[m.outputs()];
      Arrays.fill(zeros, (byte) 128);
      graph.bytesOnce("zeros." + m.outputs(), DataType.UINT8, zeros);
    }
    if (m.bias().length == 0) {
      graph.node("", "Mul", List.of(whole, scale), List.of(output));
    } else {
      String scaled = graph.node("Mul", List.of(whole, scale));
      String bias = graph.floats(name + ".bias", m.bias(), m.outputs());
      graph.node("", "Add", List.of(scaled, bias), List.of(output));
    }
    return output;
  }

  private String extreme(String operator, String x) {
    return graph.node(
        operator, List.of(x), attribute("axes", List.of(1L)), attribute("keepdims", 1));
  }
}
