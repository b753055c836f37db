package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/** Projections in float32 over the checkpoint's own weights. */
public class FloatProjections implements Projections {
  private final ModelFolder model;
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;

  public FloatProjections(ModelFolder model, OnnxGraphBuilder graph) {
    this.model = model;
    this.config = model.config();
    this.graph = graph;
  }

  @Override
  public String embedding() {
    return weight("model.embed_tokens.weight");
  }

  @Override
  public String gain(String name) {
    return config.norm().gainsFromOne()
        ? graph.node("Add", weight(name), graph.floatScalar(1))
        : weight(name);
  }

  private String weight(String name) {
    return graph.weight(model.tensor(name));
  }

  @Override
  public String[] queriesKeysValues(int layer, String x) {
    String name = "model.layers." + layer + ".self_attn.";
    boolean bias = config.attentionBias();
    return new String[] {
      linear(x, name + "q_proj", bias),
      linear(x, name + "k_proj", bias),
      linear(x, name + "v_proj", bias)
    };
  }

  @Override
  public float attentionScale() {
    return (float) config.attentionScale();
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return linear(x, "model.layers." + layer + ".self_attn.o_proj", config.outputBias());
  }

  @Override
  public String mlp(int layer, String x) {
    String name = "model.layers." + layer + ".mlp.";
    String gate = linear(x, name + "gate_proj", config.mlpBias());
    String up = linear(x, name + "up_proj", config.mlpBias());
    return linear(graph.node("Mul", activated(gate), up), name + "down_proj", config.mlpBias());
  }

  /** The MLP's activation function. */
  private String activated(String x) {
    return switch (config.activation()) {
      case SILU -> graph.node("Mul", x, graph.node("Sigmoid", x));
      case GELU_TANH -> gelu(x);
    };
  }

  /** GELU: x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³))), of plain ONNX operators. */
  private String gelu(String x) {
    String cube = graph.node("Pow", x, graph.floatScalar(3));
    String inner = graph.node("Add", x, graph.node("Mul", cube, graph.floatScalar(0.044715f)));
    float slope = (float) Math.sqrt(2 / Math.PI);
    String tanh = graph.node("Tanh", graph.node("Mul", inner, graph.floatScalar(slope)));
    String gate = graph.node("Add", tanh, graph.floatScalar(1));
    return graph.node("Mul", gate, graph.node("Mul", x, graph.floatScalar(0.5f)));
  }

  @Override
  public void head(String x) {
    String weight = config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight";
    graph.node("", "Gemm", List.of(x, weight(weight)), List.of("logits"), attribute("transB", 1));
  }

  /** x · Wᵀ + bias with the weights of this name, [rows, outputs]. */
  String linear(String x, String name, boolean bias) {
    List<String> inputs =
        bias
            ? List.of(x, weight(name + ".weight"), weight(name + ".bias"))
            : List.of(x, weight(name + ".weight"));
    return graph.node("Gemm", inputs, attribute("transB", 1));
  }
}
