package org.autodidact.onnxruntime;

import static org.autodidact.onnxruntime.OnnxGraph.attribute;

import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;

/** Products in float32 over the checkpoint's own weights. */
final class FloatProjections implements Projections {
  private final ModelFolder model;
  private final ModelConfig config;
  private final OnnxGraph graph;

  FloatProjections(ModelFolder model, OnnxGraph graph) {
    this.model = model;
    this.config = model.config();
    this.graph = graph;
  }

  @Override
  public String embedding() {
    return gain("model.embed_tokens.weight");
  }

  @Override
  public String gain(String name) {
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
    return (float) (1 / Math.sqrt(config.headSize()));
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return linear(x, "model.layers." + layer + ".self_attn.o_proj", config.attentionBias());
  }

  @Override
  public String mlp(int layer, String x) {
    String name = "model.layers." + layer + ".mlp.";
    String gate = linear(x, name + "gate_proj", config.mlpBias());
    String up = linear(x, name + "up_proj", config.mlpBias());
    String swish = graph.node("Mul", List.of(gate, graph.node("Sigmoid", List.of(gate))));
    return linear(graph.node("Mul", List.of(swish, up)), name + "down_proj", config.mlpBias());
  }

  @Override
  public void head(String x) {
    String weight = config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight";
    graph.node("", "Gemm", List.of(x, gain(weight)), List.of("logits"), attribute("transB", 1));
  }

  private String linear(String x, String name, boolean bias) {
    List<String> inputs =
        bias
            ? List.of(x, gain(name + ".weight"), gain(name + ".bias"))
            : List.of(x, gain(name + ".weight"));
    return graph.node("Gemm", inputs, attribute("transB", 1));
  }
}
