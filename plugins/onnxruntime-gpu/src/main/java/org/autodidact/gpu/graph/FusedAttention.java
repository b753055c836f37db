package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelConfig.LayerAttention;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * ONNX Runtime's GroupQueryAttention over a cache in place: {@code past.l.key|value} and {@code
 * present.l.key|value} [B, key-value heads, T, head size] are bound to the same memory. {@code
 * seqlens_k} [B] is the tokens in the cache after the run, less one.
 */
final class FusedAttention implements Attention {
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final DataType type;
  private final Object batch;
  private final String seqlensK;

  /**
   * @param batch B, a number or a name
   */
  FusedAttention(
      ModelConfig config, OnnxGraphBuilder graph, DataType type, Object batch, String seqlensK) {
    this.config = config;
    this.graph = graph;
    this.type = type;
    this.batch = batch;
    this.seqlensK = seqlensK;
  }

  @Override
  public void declare() {
    graph.input("total_sequence_length", DataType.INT32, 1);
    Object[] shape = {batch, config.keyValueHeads(), "T", config.headSize()};
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String what : List.of("key", "value")) {
        graph.input("past." + layer + "." + what, type, shape);
        graph.output("present." + layer + "." + what, type, shape);
      }
    }
  }

  @Override
  public boolean takesPacked() {
    return true;
  }

  @Override
  public String attend(int layer, List<String> parts, LayerAttention settings, String angles) {
    String of = layer + ".";
    List<String> inputs = new ArrayList<>(parts);
    inputs.addAll(
        List.of(
            "past." + of + "key",
            "past." + of + "value",
            seqlensK,
            "total_sequence_length",
            "cos" + angles,
            "sin" + angles));
    String attended = "attended." + layer;
    graph.node(
        MICROSOFT,
        "GroupQueryAttention",
        inputs,
        List.of(attended, "present." + of + "key", "present." + of + "value"),
        attribute("num_heads", config.heads()),
        attribute("kv_num_heads", config.keyValueHeads()),
        attribute("do_rotary", 1),
        attribute("rotary_interleaved", 0),
        attribute("scale", (float) config.attentionScale()),
        attribute("local_window_size", settings.window().orElse(-1)));
    return attended;
  }
}
