package org.autodidact.gpu.graph;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelConfig.LayerAttention;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * Causal attention of whole texts, of standard ONNX: outputs {@code present.l.key|value} [B,
 * key-value heads, S, head size].
 */
final class PlainPrefillAttention implements Attention {
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final DataType type;
  private final PlainNodes plain;
  private final String sequences;
  private final Map<OptionalInt, String> masks = new HashMap<>();
  private final Map<String, String> angles = new HashMap<>();
  private String positions;

  /**
   * @param sequences a value [B, S]
   */
  PlainPrefillAttention(
      ModelConfig config, OnnxGraphBuilder graph, DataType type, String sequences) {
    this.config = config;
    this.graph = graph;
    this.type = type;
    this.plain = new PlainNodes(graph, config, type);
    this.sequences = sequences;
  }

  @Override
  public void declare() {
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String what : List.of("key", "value")) {
        graph.output(
            "present." + layer + "." + what,
            type,
            "P",
            config.keyValueHeads(),
            "S",
            config.headSize());
      }
    }
    positions = plain.range(plain.length(sequences, 1));
  }

  @Override
  public boolean takesPacked() {
    return false;
  }

  @Override
  public String attend(int layer, List<String> parts, LayerAttention settings, String suffix) {
    int groups = config.keyValueHeads();
    int size = config.headSize();
    String cosines = table("cos" + suffix);
    String sines = table("sin" + suffix);
    String query =
        plain.rotated(plain.reshaped(parts.get(0), 0, 0, config.heads(), size), cosines, sines);
    String key = plain.rotated(plain.reshaped(parts.get(1), 0, 0, groups, size), cosines, sines);
    String value = plain.reshaped(parts.get(2), 0, 0, groups, size);
    present(layer, "key", key);
    present(layer, "value", value);
    // [B, groups, queries of a group, S, head size]
    String grouped =
        plain.transposed(
            plain.reshaped(query, 0, 0, groups, config.heads() / groups, size), 0L, 2L, 3L, 1L, 4L);
    String keys = plain.unsqueezed(plain.transposed(key, 0L, 2L, 3L, 1L), 2);
    String mask = masks.computeIfAbsent(settings.window(), this::mask);
    String weights = plain.softmax(plain.masked(mask, plain.scores(grouped, keys)));
    String values = plain.unsqueezed(plain.transposed(value, 0L, 2L, 1L, 3L), 2);
    String found = plain.transposed(graph.node("MatMul", weights, values), 0L, 3L, 1L, 2L, 4L);
    return plain.reshaped(found, 0, 0, (long) config.heads() * size);
  }

  private void present(int layer, String what, String x) {
    graph.node(
        "",
        "Transpose",
        List.of(x),
        List.of("present." + layer + "." + what),
        OnnxGraphBuilder.attribute("perm", List.of(0L, 2L, 1L, 3L)));
  }

  /** A rotary table at the positions, [S, 1, head size / 2]. */
  private String table(String name) {
    return angles.computeIfAbsent(
        name, n -> plain.unsqueezed(graph.node("Gather", n, positions), 1));
  }

  /** Which tokens each token sees, [S, S]. */
  private String mask(OptionalInt window) {
    String queries = plain.unsqueezed(positions, 1);
    String keys = plain.unsqueezed(positions, 0);
    String visible = graph.node("LessOrEqual", keys, queries);
    if (window.isPresent()) {
      String first = graph.node("Sub", queries, graph.longScalar(window.getAsInt()));
      visible = graph.node("And", visible, graph.node("Greater", keys, first));
    }
    return visible;
  }
}
