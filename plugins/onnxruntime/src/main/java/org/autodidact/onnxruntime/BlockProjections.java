package org.autodidact.onnxruntime;

import static org.autodidact.onnxruntime.OnnxGraph.MICROSOFT;
import static org.autodidact.onnxruntime.OnnxGraph.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;

/** Products with weights in blocks of 8 bits; all else as in float32. */
final class BlockProjections implements Projections {
  private final ModelFolder model;
  private final ModelConfig config;
  private final BlockWeights weights;
  private final OnnxGraph graph;
  private final FloatProjections exact;

  BlockProjections(ModelFolder model, BlockWeights weights, OnnxGraph graph) {
    this.model = model;
    this.config = model.config();
    this.weights = weights;
    this.graph = graph;
    this.exact = new FloatProjections(model, graph);
  }

  @Override
  public String embedding() {
    return exact.embedding();
  }

  @Override
  public String gain(String name) {
    return exact.gain(name);
  }

  @Override
  public String[] queriesKeysValues(int layer, String x) {
    String name = "model.layers." + layer + ".self_attn.";
    boolean bias = config.attentionBias();
    return new String[] {
      product(name + "q_proj", x, bias),
      product(name + "k_proj", x, bias),
      product(name + "v_proj", x, bias)
    };
  }

  @Override
  public float attentionScale() {
    return exact.attentionScale();
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return product("model.layers." + layer + ".self_attn.o_proj", x, config.outputBias());
  }

  @Override
  public String mlp(int layer, String x) {
    String name = "model.layers." + layer + ".mlp.";
    String gate = exact.activated(product(name + "gate_proj", x, config.mlpBias()));
    String up = product(name + "up_proj", x, config.mlpBias());
    return product(name + "down_proj", graph.node("Mul", List.of(gate, up)), config.mlpBias());
  }

  @Override
  public void head(String x) {
    multiply(BlockWeights.HEAD, x, "logits");
  }

  private String product(String name, String x, boolean bias) {
    String product = name + ":product";
    multiply(name, x, product);
    return bias
        ? graph.node("Add", List.of(product, graph.weight(model.tensor(name + ".bias"))))
        : product;
  }

  private void multiply(String name, String x, String result) {
    BlockWeights.Matrix m = weights.matrix(name);
    int blocks = m.inputs() / BlockWeights.BLOCK;
    graph.node(
        MICROSOFT,
        "MatMulNBits",
        List.of(
            x,
            graph.external(
                name + ".values", DataType.UINT8, m.outputs(), blocks, BlockWeights.BLOCK),
            graph.floats(name + ".scales", m.scales(), m.scales().length)),
        List.of(result),
        attribute("K", m.inputs()),
        attribute("N", m.outputs()),
        attribute("bits", 8),
        attribute("block_size", BlockWeights.BLOCK),
        // Activations are rounded to 8 bits, a block each; the products are of integers.
        attribute("accuracy_level", 4));
  }
}
