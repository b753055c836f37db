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
import org.autodidact.onnxruntime.graph.FloatProjections;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * The layers of a decoder for execution providers of GPUs, in float32 over the checkpoint's own
 * weights: of standard ONNX operators, as TensorRT knows no others, or nearly.
 *
 * <p>Positions are inputs: {@code positions} [B, S] of the new tokens, {@code keyPositions} [B, T]
 * of all tokens, the new ones at the end. A token attends to the positions up to its own; padding
 * has {@link #PADDING_POSITION}.
 */
public final class GpuDecoderLayers {
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut("fp32 on a GPU");

  /** The position of padding: after all others, so that no token attends to it. */
  static final long PADDING_POSITION = 1L << 30;

  private final ModelFolder model;
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final FloatProjections projections;
  private final Map<ModelConfig.RopeSettings, String> ropes;
  private final boolean standardOperators;

  /** Output of all layers: normed rows [B × S, hidden], and all keys and values of each layer. */
  record Output(String hidden, List<String> keys, List<String> values) {}

  private GpuDecoderLayers(
      ModelFolder model,
      OnnxGraphBuilder graph,
      Map<ModelConfig.RopeSettings, String> ropes,
      boolean standardOperators) {
    this.model = model;
    this.config = model.config();
    this.graph = graph;
    this.projections = new FloatProjections(model, graph);
    this.ropes = ropes;
    this.standardOperators = standardOperators;
  }

  /**
   * Adds the constants that all layers read to a graph.
   *
   * @param standardOperators whether norms and RoPE are of standard ONNX too; ONNX Runtime's own
   *     operators are one CUDA kernel each instead of six and eight
   */
  static GpuDecoderLayers in(ModelFolder model, OnnxGraphBuilder graph, boolean standardOperators) {
    GpuDecoderLayers decoder =
        new GpuDecoderLayers(model, graph, new LinkedHashMap<>(), standardOperators);
    ModelConfig config = model.config();
    int size = config.headSize();
    int positions = config.contextLength();
    for (ModelConfig.LayerAttention layer : config.attention()) {
      ModelConfig.RopeSettings rope = layer.rope();
      if (decoder.ropes.putIfAbsent(rope, "." + decoder.ropes.size()) == null) {
        graph.ropeTables(decoder.ropes.get(rope), size, rope, positions);
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

  /** The layers in a subgraph of a graph that has their constants. */
  GpuDecoderLayers inBranch(OnnxGraphBuilder branch) {
    return new GpuDecoderLayers(model, branch, ropes, standardOperators);
  }

  /**
   * Runs tokens {@code ids} [B, S] through the layers.
   *
   * @param pastKeys cached keys of each layer, [B, key-value heads, T − S, head size]; or none
   */
  Output layers(
      String ids,
      String positions,
      String keyPositions,
      List<String> pastKeys,
      List<String> pastValues) {
    List<String> keys = new ArrayList<>();
    List<String> values = new ArrayList<>();
    Map<OptionalInt, String> masks = new HashMap<>();
    Map<String, String[]> anglesOfRope = new HashMap<>();
    String embedded =
        graph.scaled(graph.node("Gather", projections.embedding(), ids), config.embeddingScale());
    String batch = graph.node("Shape", ids);
    String residual = graph.node("Reshape", embedded, "hidden_rows");
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "model.layers." + layer + ".";
      ModelConfig.LayerAttention settings = config.attention().get(layer);
      String mask = masks.computeIfAbsent(settings.window(), w -> mask(positions, keyPositions, w));
      String[] angles =
          anglesOfRope.computeIfAbsent(
              ropes.get(settings.rope()), suffix -> angles(suffix, positions));
      String[] qkv =
          projections.queriesKeysValues(layer, norm(residual, name + "input_layernorm.weight"));
      String query = heads(qkv[0], batch, config.heads());
      String key = heads(qkv[1], batch, config.keyValueHeads());
      if (config.norm().queriesAndKeys()) {
        query = norm(query, name + "self_attn.q_norm.weight");
        key = norm(key, name + "self_attn.k_norm.weight");
      }
      String value = byHead(heads(qkv[2], batch, config.keyValueHeads()));
      key = rotatedByHead(key, angles);
      keys.add(pastKeys.isEmpty() ? key : joined(pastKeys.get(layer), key));
      values.add(pastValues.isEmpty() ? value : joined(pastValues.get(layer), value));
      String attended =
          attention(rotatedByHead(query, angles), keys.get(layer), values.get(layer), mask);
      String output = projections.attentionOutput(layer, attended);
      String beforeMlp = "post_attention_layernorm.weight";
      if (config.norm().sublayerOutputs()) {
        output = norm(output, name + beforeMlp);
        beforeMlp = "pre_feedforward_layernorm.weight";
      }
      residual = graph.node("Add", residual, graph.scaled(output, config.residualScale()));
      String mlp = projections.mlp(layer, norm(residual, name + beforeMlp));
      if (config.norm().sublayerOutputs()) {
        mlp = norm(mlp, name + "post_feedforward_layernorm.weight");
      }
      residual = graph.node("Add", residual, graph.scaled(mlp, config.residualScale()));
    }
    return new Output(norm(residual, "model.norm.weight"), keys, values);
  }

  /** The positions 0, 1, … of each text of {@code ids}, [B, S]. */
  String positions(String ids) {
    String shape = graph.node("Shape", ids);
    String width = graph.node("Gather", shape, graph.longScalar(1));
    String range = graph.node("Range", graph.longScalar(0), width, graph.longScalar(1));
    return graph.node("Expand", graph.node("Unsqueeze", range, "axis.0"), shape);
  }

  /** Logits [rows, V] of some rows of {@link Output#hidden}. */
  String logits(String rows) {
    String weight = config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight";
    return graph.node(
        "Gemm",
        List.of(graph.scaled(rows, config.logitScale()), graph.weight(model.tensor(weight))),
        attribute("transB", 1));
  }

  /** Which tokens each new token attends to, [B, 1, S, T]. */
  private String mask(String positions, String keyPositions, OptionalInt window) {
    String queries = graph.node("Unsqueeze", positions, "axis.2");
    String keys = graph.node("Unsqueeze", keyPositions, "axis.1");
    String visible = graph.node("LessOrEqual", keys, queries);
    if (window.isPresent()) {
      String width = graph.longs(visible + ".window", window.getAsInt());
      String first = graph.node("Sub", queries, width);
      visible = graph.node("And", visible, graph.node("Greater", keys, first));
    }
    return graph.node("Unsqueeze", visible, "axis.1");
  }

  /**
   * Tables of cosines and sines, and the positions to look up; with standard operators, cosines and
   * sines at the positions, [B, S, 1, head size / 2].
   */
  private String[] angles(String suffix, String positions) {
    // A finished sequence goes on with the others, even beyond the context.
    String limited = graph.node("Min", positions, "last_position");
    String[] angles = {"cos" + suffix, "sin" + suffix, limited};
    for (int i = 0; standardOperators && i < 2; i++) {
      String atPositions = graph.node("Gather", angles[i], limited);
      angles[i] = graph.node("Unsqueeze", atPositions, "axis.2");
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
    return graph.node("Reshape", x, shape);
  }

  /** [B, S, heads, head size] as [B, heads, S, head size], or back. */
  private String byHead(String x) {
    return graph.node("Transpose", List.of(x), attribute("perm", List.of(0L, 2L, 1L, 3L)));
  }

  private String joined(String past, String now) {
    return graph.node("Concat", List.of(past, now), attribute("axis", 2));
  }

  /**
   * RoPE (Su et al., 2021), the halves of a head being its coordinates; [B, heads, S, head size].
   */
  private String rotatedByHead(String x, String[] angles) {
    if (standardOperators) {
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
        graph.node("Sub", graph.node("Mul", half.get(0), cos), graph.node("Mul", half.get(1), sin));

    String second =
        graph.node("Add", graph.node("Mul", half.get(1), cos), graph.node("Mul", half.get(0), sin));

    return graph.node("Concat", List.of(first, second), attribute("axis", 3));
  }

  /**
   * Attention, [B × S, heads × head size]. The queries that read one key-value head are one matrix.
   */
  private String attention(String query, String key, String value, String mask) {
    String grouped = graph.node("Reshape", query, "key_heads");
    String turned =
        graph.node("Transpose", List.of(key), attribute("perm", List.of(0L, 1L, 3L, 2L)));
    String raw =
        graph.node(
            "Mul",
            graph.node("MatMul", grouped, turned),
            graph.floatScalar(projections.attentionScale()));
    String rows =
        graph.node(
            "Concat",
            List.of(
                dimension(key, "axis.0"),
                graph.longs(raw + ".heads", config.heads(), -1),
                dimension(key, "axis.2")),
            attribute("axis", 0));
    String scores =
        graph.node("Where", mask, graph.node("Reshape", raw, rows), graph.floatScalar(-1e9f));
    String weights = graph.node("Softmax", List.of(scores), attribute("axis", -1));
    String back = graph.node("Shape", raw);
    String found = graph.node("MatMul", graph.node("Reshape", weights, back), value);
    String perHead = graph.node("Reshape", found, "all_heads");
    return graph.node("Reshape", byHead(perHead), "side_by_side");
  }

  private String dimension(String x, String axis) {
    return graph.node("Gather", graph.node("Shape", x), axis);
  }

  /** RMSNorm (Zhang and Sennrich, 2019) over the last dimension. */
  private String norm(String x, String gain) {
    if (!standardOperators) {
      return graph.rmsNorm(x, projections.gain(gain), config.norm().epsilon());
    }
    String mean =
        graph.node(
            "ReduceMean",
            List.of(graph.node("Mul", x, x)),
            attribute("axes", List.of(-1L)),
            attribute("keepdims", 1));
    String size =
        graph.node(
            "Sqrt", graph.node("Add", mean, graph.floatScalar((float) config.norm().epsilon())));
    return graph.node("Mul", graph.node("Div", x, size), projections.gain(gain));
  }

  /** Declares a layer's keys or values as an input, [batch, key-value heads, length, head size]. */
  String cacheInput(String name, String batch, String length) {
    return graph.input(
        name, DataType.FLOAT, batch, config.keyValueHeads(), length, config.headSize());
  }

  void cacheOutput(String name, String batch, String length) {
    graph.output(name, DataType.FLOAT, batch, config.keyValueHeads(), length, config.headSize());
  }
}
