package org.autodidact.onnxruntime.gpu;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.onnxruntime.graph.FloatProjections;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * The layers of a decoder for execution providers of GPUs, in float32 over the checkpoint's own
 * weights: of plain ONNX, as TensorRT knows no other, or nearly.
 *
 * <p>Where a token stands is given, not derived: {@code positions} [B, S] of the new tokens, {@code
 * places} [B, T] of all tokens, the new ones at the end. A token attends to those that stand before
 * it, and to itself; what stands {@link #NOWHERE} is padding.
 */
public final class PlainDecoderLayers {
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut("fp32 on a GPU");

  /** The position of padding, after all others. */
  static final long NOWHERE = 1L << 30;

  private final ModelFolder model;
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final FloatProjections products;
  private final Map<ModelConfig.RopeSettings, String> ropes;
  private final boolean plain;

  /** What one call of {@link #layers} gives: rows [B × S, hidden], and all keys and values. */
  record Layers(String hidden, List<String> keys, List<String> values) {}

  private PlainDecoderLayers(
      ModelFolder model,
      OnnxGraphBuilder graph,
      Map<ModelConfig.RopeSettings, String> ropes,
      boolean plain) {
    this.model = model;
    this.config = model.config();
    this.graph = graph;
    this.products = new FloatProjections(model, graph);
    this.ropes = ropes;
    this.plain = plain;
  }

  /**
   * Adds what all layers read to a graph.
   *
   * @param plain whether norms and rotations too are of plain ONNX; ONNX Runtime's own take CUDA
   *     one operator each instead of six and eight
   */
  static PlainDecoderLayers in(ModelFolder model, OnnxGraphBuilder graph, boolean plain) {
    PlainDecoderLayers decoder = new PlainDecoderLayers(model, graph, new LinkedHashMap<>(), plain);
    ModelConfig config = model.config();
    int size = config.headSize();
    int positions = config.contextLength();
    for (ModelConfig.LayerAttention layer : config.attention()) {
      ModelConfig.RopeSettings rope = layer.rope();
      if (decoder.ropes.putIfAbsent(rope, "." + decoder.ropes.size()) == null) {
        String suffix = decoder.ropes.get(rope);
        graph.floats("cos" + suffix, Rope.cosines(size, rope, positions), positions, size / 2);
        graph.floats("sin" + suffix, Rope.sines(size, rope, positions), positions, size / 2);
      }
    }
    graph.longs("key_heads", 0, config.keyValueHeads(), -1, size);
    graph.longs("all_heads", 0, config.heads(), -1, size);
    graph.longs("side_by_side", -1, (long) config.heads() * size);
    graph.longs("hidden_rows", -1, config.hiddenSize());
    graph.longs("last_position", positions - 1);
    graph.longs("axis.0", 0);
    graph.longs("axis.1", 1);
    graph.longs("axis.2", 2);
    return decoder;
  }

  /** The same layers in a branch of the graph, which must have had them itself. */
  PlainDecoderLayers inBranch(OnnxGraphBuilder branch) {
    return new PlainDecoderLayers(model, branch, ropes, plain);
  }

  /**
   * Runs tokens {@code ids} [B, S] through the layers.
   *
   * @param pastKeys of each layer, [B, key-value heads, T − S, head size]; none where all is new
   */
  Layers layers(
      String ids, String positions, String places, List<String> pastKeys, List<String> pastValues) {
    List<String> keys = new ArrayList<>();
    List<String> values = new ArrayList<>();
    Map<OptionalInt, String> masks = new HashMap<>();
    Map<String, String[]> angles = new HashMap<>();
    String embedded =
        scaled(graph.node("Gather", List.of(products.embedding(), ids)), config.embeddingScale());
    String batch = graph.node("Shape", List.of(ids));
    String stream = graph.node("Reshape", List.of(embedded, "hidden_rows"));
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "model.layers." + layer + ".";
      ModelConfig.LayerAttention reach = config.attention().get(layer);
      String mask = masks.computeIfAbsent(reach.window(), w -> mask(positions, places, w));
      String[] turn =
          angles.computeIfAbsent(ropes.get(reach.rope()), suffix -> angles(suffix, positions));
      String[] qkv =
          products.queriesKeysValues(layer, norm(stream, name + "input_layernorm.weight"));
      String query = heads(qkv[0], batch, config.heads());
      String key = heads(qkv[1], batch, config.keyValueHeads());
      if (config.norm().queriesAndKeys()) {
        query = norm(query, name + "self_attn.q_norm.weight");
        key = norm(key, name + "self_attn.k_norm.weight");
      }
      String value = byHead(heads(qkv[2], batch, config.keyValueHeads()));
      key = rotatedByHead(key, turn);
      keys.add(pastKeys.isEmpty() ? key : joined(pastKeys.get(layer), key));
      values.add(pastValues.isEmpty() ? value : joined(pastValues.get(layer), value));
      String attended =
          attention(rotatedByHead(query, turn), keys.get(layer), values.get(layer), mask);
      String added = products.attentionOutput(layer, attended);
      String beforeMlp = "post_attention_layernorm.weight";
      if (config.norm().sublayerOutputs()) {
        added = norm(added, name + beforeMlp);
        beforeMlp = "pre_feedforward_layernorm.weight";
      }
      stream = graph.node("Add", List.of(stream, scaled(added, config.residualScale())));
      String more = products.mlp(layer, norm(stream, name + beforeMlp));
      if (config.norm().sublayerOutputs()) {
        more = norm(more, name + "post_feedforward_layernorm.weight");
      }
      stream = graph.node("Add", List.of(stream, scaled(more, config.residualScale())));
    }
    return new Layers(norm(stream, "model.norm.weight"), keys, values);
  }

  /** Logits [rows, V] of some of the rows that {@link #layers} gave. */
  String logits(String rows) {
    String weight = config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight";
    return graph.node(
        "Gemm",
        List.of(scaled(rows, config.logitScale()), graph.weight(model.tensor(weight))),
        attribute("transB", 1));
  }

  private String scaled(String x, double scale) {
    return scale == 1 ? x : graph.node("Mul", List.of(x, graph.number((float) scale)));
  }

  /** Which places each new token attends to, [B, 1, S, T]. */
  private String mask(String positions, String places, OptionalInt window) {
    String queries = graph.node("Unsqueeze", List.of(positions, "axis.2"));
    String keys = graph.node("Unsqueeze", List.of(places, "axis.1"));
    String seen = graph.node("LessOrEqual", List.of(keys, queries));
    if (window.isPresent()) {
      String width = graph.longs(seen + ".window", window.getAsInt());
      String first = graph.node("Sub", List.of(queries, width));
      seen = graph.node("And", List.of(seen, graph.node("Greater", List.of(keys, first))));
    }
    return graph.node("Unsqueeze", List.of(seen, "axis.1"));
  }

  /**
   * Cosines and sines, and the positions that they are of: where all is plain, cosines and sines at
   * the positions, [B, S, 1, head size / 2].
   */
  private String[] angles(String suffix, String positions) {
    // A row that has ended goes on with the others, beyond the context if they are shorter.
    String known = graph.node("Min", List.of(positions, "last_position"));
    String[] angles = {"cos" + suffix, "sin" + suffix, known};
    for (int i = 0; plain && i < 2; i++) {
      String of = graph.node("Gather", List.of(angles[i], known));
      angles[i] = graph.node("Unsqueeze", List.of(of, "axis.2"));
    }
    return angles;
  }

  /** [B × S, heads × head size] as [B, S, heads, head size]. */
  private String heads(String x, String batch, int heads) {
    String shape =
        graph.node(
            "Concat",
            List.of(batch, graph.longs(x + ".heads", heads, config.headSize())),
            attribute("axis", 0));
    return graph.node("Reshape", List.of(x, shape));
  }

  /** The second and third of four dimensions swapped. */
  private String byHead(String x) {
    return graph.node("Transpose", List.of(x), attribute("perm", List.of(0L, 2L, 1L, 3L)));
  }

  private String joined(String past, String now) {
    return graph.node("Concat", List.of(past, now), attribute("axis", 2));
  }

  /** Rotary positions (Su et al., 2021), the halves of a head being its two coordinates. */
  private String rotatedByHead(String x, String[] angles) {
    if (plain) {
      return byHead(rotated(x, angles));
    }
    String rotated = x + ".rotated";
    graph.node(
        OnnxGraphBuilder.MICROSOFT,
        "RotaryEmbedding",
        List.of(byHead(x), angles[2], angles[0], angles[1]),
        List.of(rotated));
    return rotated;
  }

  private String rotated(String x, String[] angles) {
    List<String> half = List.of(x + ".half.0", x + ".half.1");
    graph.node("", "Split", List.of(x), half, attribute("axis", 3));
    String cos = angles[0];
    String sin = angles[1];
    String first =
        graph.node(
            "Sub",
            List.of(
                graph.node("Mul", List.of(half.get(0), cos)),
                graph.node("Mul", List.of(half.get(1), sin))));
    String second =
        graph.node(
            "Add",
            List.of(
                graph.node("Mul", List.of(half.get(1), cos)),
                graph.node("Mul", List.of(half.get(0), sin))));
    return graph.node("Concat", List.of(first, second), attribute("axis", 3));
  }

  /** The queries that read one key head are one matrix; gives [B × S, heads × head size]. */
  private String attention(String query, String key, String value, String mask) {
    String grouped = graph.node("Reshape", List.of(query, "key_heads"));
    String turned =
        graph.node("Transpose", List.of(key), attribute("perm", List.of(0L, 1L, 3L, 2L)));
    String raw =
        graph.node(
            "Mul",
            List.of(
                graph.node("MatMul", List.of(grouped, turned)),
                graph.number(products.attentionScale())));
    String rows =
        graph.node(
            "Concat",
            List.of(
                dimension(key, "axis.0"),
                graph.longs(raw + ".heads", config.heads(), -1),
                dimension(key, "axis.2")),
            attribute("axis", 0));
    String scores =
        graph.node(
            "Where", List.of(mask, graph.node("Reshape", List.of(raw, rows)), graph.number(-1e9f)));
    String weights = graph.node("Softmax", List.of(scores), attribute("axis", -1));
    String back = graph.node("Shape", List.of(raw));
    String found =
        graph.node("MatMul", List.of(graph.node("Reshape", List.of(weights, back)), value));
    String perHead = graph.node("Reshape", List.of(found, "all_heads"));
    return graph.node("Reshape", List.of(byHead(perHead), "side_by_side"));
  }

  private String dimension(String x, String axis) {
    return graph.node("Gather", List.of(graph.node("Shape", List.of(x)), axis));
  }

  /** RMSNorm (Zhang and Sennrich, 2019) over the last dimension. */
  private String norm(String x, String gain) {
    if (!plain) {
      return graph.node(
          "SimplifiedLayerNormalization",
          List.of(x, products.gain(gain)),
          attribute("axis", -1),
          attribute("epsilon", (float) config.norm().epsilon()));
    }
    String mean =
        graph.node(
            "ReduceMean",
            List.of(graph.node("Mul", List.of(x, x))),
            attribute("axes", List.of(-1L)),
            attribute("keepdims", 1));
    String size =
        graph.node(
            "Sqrt",
            List.of(
                graph.node("Add", List.of(mean, graph.number((float) config.norm().epsilon())))));
    return graph.node("Mul", List.of(graph.node("Div", List.of(x, size)), products.gain(gain)));
  }

  /** Declares a layer's keys or values as an input of the graph. */
  String cacheInput(String name, String rows, String places) {
    return graph.input(
        name, DataType.FLOAT, rows, config.keyValueHeads(), places, config.headSize());
  }

  void cacheOutput(String name, String rows, String places) {
    graph.output(name, DataType.FLOAT, rows, config.keyValueHeads(), places, config.headSize());
  }
}
