package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelConfig.LayerAttention;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * Attention of one token after a cache, of standard ONNX. It reads the cache, {@code
 * past.l.key|value} [B, key-value heads, T, head size], whose numbers must all be finite, and does
 * not write it: the token's keys and values are outputs, {@code new.l.key|value} [B, key-value
 * heads, 1, head size]. TensorRT has no outputs in place.
 */
final class PlainStepAttention implements Attention {
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final DataType type;
  private final PlainNodes plain;
  private final String positions;
  private final Map<OptionalInt, String> masks = new HashMap<>();
  private final Map<String, String> angles = new HashMap<>();

  /**
   * @param positions the token's position in each sequence, which is the tokens in its cache [B]
   */
  PlainStepAttention(ModelConfig config, OnnxGraphBuilder graph, DataType type, String positions) {
    this.config = config;
    this.graph = graph;
    this.type = type;
    this.plain = new PlainNodes(graph, config, type);
    this.positions = positions;
  }

  @Override
  public void declare() {
    graph.longs("steps.first", 0);
    graph.longs("steps.last", -1);
    graph.longs("steps.end", Integer.MAX_VALUE);
    graph.longs("steps.axis", -1);
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String what : List.of("key", "value")) {
        int heads = config.keyValueHeads();
        graph.input("past." + layer + "." + what, type, "B", heads, "T", config.headSize());
        graph.output("new." + layer + "." + what, type, "B", heads, 1, config.headSize());
      }
    }
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
    String grouped = plain.reshaped(query, 0, groups, config.heads() / groups, size);
    String ownKey = own(layer, "key", key);
    String ownValue = own(layer, "value", parts.get(2));
    String past = "past." + layer + ".";
    String mask = masks.computeIfAbsent(settings.window(), this::mask);
    String before =
        plain.masked(mask, plain.scores(grouped, plain.transposed(past + "key", 0L, 1L, 3L, 2L)));
    String now = plain.scores(grouped, plain.transposed(ownKey, 0L, 1L, 3L, 2L));
    String weights =
        plain.softmax(graph.node("Concat", List.of(before, now), attribute("axis", -1)));
    String ofBefore =
        graph.node("MatMul", slice(weights, "steps.first", "steps.last"), past + "value");
    String ofNow = graph.node("Mul", slice(weights, "steps.last", "steps.end"), ownValue);
    return plain.reshaped(graph.node("Add", ofBefore, ofNow), 0, 1, (long) config.heads() * size);
  }

  private String slice(String x, String from, String to) {
    return graph.node("Slice", x, from, to, "steps.axis");
  }

  /** The token's keys or values as an output, [B, key-value heads, 1, head size]. */
  private String own(int layer, String what, String x) {
    String name = "new." + layer + "." + what;
    String shape = "own." + name;
    graph.longs(shape, 0, config.keyValueHeads(), 1, config.headSize());
    graph.node("", "Reshape", List.of(x, shape), List.of(name));
    return name;
  }

  /** A rotary table at the positions, [B, 1, 1, head size / 2]. */
  private String table(String name) {
    return angles.computeIfAbsent(
        name, n -> plain.unsqueezed(graph.node("Gather", n, positions), 1, 2));
  }

  /** Which tokens of the cache are seen, [B, 1, 1, T]. */
  private String mask(OptionalInt window) {
    String tokens = plain.range(plain.length("past.0.key", 2));
    String lengths = plain.unsqueezed(positions, 1);
    String visible = graph.node("Less", tokens, lengths);
    if (window.isPresent()) {
      String first = graph.node("Sub", lengths, graph.longScalar(window.getAsInt()));
      visible = graph.node("And", visible, graph.node("Greater", tokens, first));
    }
    return plain.unsqueezed(visible, 1, 2);
  }
}
