package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;

/** Projections over {@link BlockInt8Weights}; embedding and norms as in float32. */
public final class BlockInt8Projections implements Projections {
  private final ModelFolder model;
  private final ModelConfig config;
  private final BlockInt8Weights weights;
  private final OnnxGraphBuilder graph;
  private final FloatProjections float32;

  public BlockInt8Projections(ModelFolder model, BlockInt8Weights weights, OnnxGraphBuilder graph) {
    this.model = model;
    this.config = model.config();
    this.weights = weights;
    this.graph = graph;
    this.float32 = new FloatProjections(model, graph);
  }

  @Override
  public String embedding() {
    return float32.embedding();
  }

  @Override
  public String gain(String name) {
    return float32.gain(name);
  }

  @Override
  public String[] queriesKeysValues(int layer, String x) {
    String name = "model.layers." + layer + ".self_attn.";
    boolean bias = config.attentionBias();
    return new String[] {
      project(name + "q_proj", x, bias),
      project(name + "k_proj", x, bias),
      project(name + "v_proj", x, bias)
    };
  }

  @Override
  public float attentionScale() {
    return float32.attentionScale();
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return project("model.layers." + layer + ".self_attn.o_proj", x, config.outputBias());
  }

  @Override
  public String mlp(int layer, String x) {
    String name = "model.layers." + layer + ".mlp.";
    String gate = float32.activated(project(name + "gate_proj", x, config.mlpBias()));
    String up = project(name + "up_proj", x, config.mlpBias());
    return project(name + "down_proj", graph.node("Mul", List.of(gate, up)), config.mlpBias());
  }

  @Override
  public void head(String x) {
    matMul(BlockInt8Weights.HEAD, x, "logits");
  }

  private String project(String name, String x, boolean bias) {
    String product = name + ":product";
    matMul(name, x, product);
    return bias
        ? graph.node("Add", List.of(product, graph.weight(model.tensor(name + ".bias"))))
        : product;
  }

  private void matMul(String name, String x, String result) {
    BlockInt8Weights.BlockMatrix m = weights.matrix(name);
    int blocks = m.inputs() / BlockInt8Weights.BLOCK_SIZE;
    graph.node(
        MICROSOFT,
        "MatMulNBits",
        List.of(
            x,
            graph.external(
                name + ".values", DataType.UINT8, m.outputs(), blocks, BlockInt8Weights.BLOCK_SIZE),
            graph.floats(name + ".scales", m.scales(), m.scales().length)),
        List.of(result),
        attribute("K", m.inputs()),
        attribute("N", m.outputs()),
        attribute("bits", 8),
        attribute("block_size", BlockInt8Weights.BLOCK_SIZE),
        // 4: activations are quantized to int8 by blocks, and the products are of integers.
        attribute("accuracy_level", 4));
  }
}
