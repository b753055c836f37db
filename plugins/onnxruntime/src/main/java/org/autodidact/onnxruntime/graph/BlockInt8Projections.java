package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;

/** Products with weights in blocks of 8 bits; all else as in float32. */
public final class BlockInt8Projections implements Projections {
  private final ModelFolder model;
  private final ModelConfig config;
  private final BlockInt8Weights weights;
  private final OnnxGraphBuilder graph;
  private final FloatProjections exact;

  public BlockInt8Projections(ModelFolder model, BlockInt8Weights weights, OnnxGraphBuilder graph) {
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
    multiply(BlockInt8Weights.HEAD, x, "logits");
  }

  private String product(String name, String x, boolean bias) {
    String product = name + ":product";
    multiply(name, x, product);
    return bias
        ? graph.node("Add", List.of(product, graph.weight(model.tensor(name + ".bias"))))
        : product;
  }

  private void multiply(String name, String x, String result) {
    BlockInt8Weights.Matrix m = weights.matrix(name);
    int blocks = m.inputs() / BlockInt8Weights.BLOCK;
    graph.node(
        MICROSOFT,
        "MatMulNBits",
        List.of(
            x,
            graph.external(
                name + ".values", DataType.UINT8, m.outputs(), blocks, BlockInt8Weights.BLOCK),
            graph.floats(name + ".scales", m.scales(), m.scales().length)),
        List.of(result),
        attribute("K", m.inputs()),
        attribute("N", m.outputs()),
        attribute("bits", 8),
        attribute("block_size", BlockInt8Weights.BLOCK),
        // Activations are rounded to 8 bits, a block each; the products are of integers.
        attribute("accuracy_level", 4));
  }
}
