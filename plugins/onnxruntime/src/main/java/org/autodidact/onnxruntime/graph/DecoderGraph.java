package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;

/**
 * ONNX graph of the decoder of Llama (Touvron et al., 2023) and its kin, to be read top to bottom
 * in the order of the data flow; what differs between models is in {@link ModelConfig}.
 *
 * <p>B sequences, S new tokens each (right-padded), T tokens of capacity a slot of the cache, R
 * rows of logits wanted. Inputs: {@code input_ids} [B, S], {@code seqlens_k} [B] (tokens in the
 * cache after this run, less one), {@code total_sequence_length} (their maximum), {@code
 * logit_rows} [R] (indices into B × S), {@code inverse_temperature} [R, 1], {@code
 * past.l.key|value} [B, key-value heads, T, head size]. Outputs: {@code logits} [R, V], {@code
 * peaks} [R, 2], the highest logit and its probability at temperature 1, {@code probabilities} [R,
 * V] at the row's temperature, {@code present.l.key|value}, bound by the caller to the memory of
 * {@code past}.
 */
public final class DecoderGraph {
  /** ONNX Runtime's GroupQueryAttention takes head sizes in multiples of 16. */
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut("fp32", ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16);

  /** {@link PrefixAttentionNodes} attends to all tokens before, with one RoPE. */
  public static final BackendCapabilities PREFIX_SHARING =
      BackendCapabilities.allBut(
          "sharing of prompts",
          ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.SLIDING_WINDOW,
          ModelFeature.SECOND_ROPE_BASE,
          ModelFeature.NO_ROPE_LAYERS);

  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final Projections projections;
  private final Optional<PrefixAttentionNodes> prefixes;
  private final int positions;
  private final Map<Integer, String> flatShapes = new HashMap<>();

  /** Suffix of the names of each rotary table. */
  private final Map<ModelConfig.RopeSettings, String> ropes = new LinkedHashMap<>();

  /** The shape [B, S, -1]. */
  private String sequenceShape = "";

  private DecoderGraph(
      ModelFolder model,
      Optional<? extends QuantizedWeights> quantized,
      boolean sharesPrefixes,
      int positions) {
    this.config = model.config();
    this.positions = positions;
    for (ModelConfig.LayerAttention layer : config.attention()) {
      ropes.computeIfAbsent(layer.rope(), r -> ropes.isEmpty() ? "" : "." + ropes.size());
    }
    this.graph = new OnnxGraphBuilder(OrtDecoder.weightFolder(model));
    this.projections = Projections.of(model, quantized, graph);
    this.prefixes =
        sharesPrefixes
            ? Optional.of(new PrefixAttentionNodes(config, graph, projections.attentionScale()))
            : Optional.empty();
  }

  /**
   * The serialized graph over quantized weights, or in float32 over the checkpoint's own weights.
   *
   * @param sharesPrefixes whether it has {@link PrefixAttentionNodes}
   * @param positions tokens of the longest sequence
   */
  public static byte[] build(
      ModelFolder model,
      Optional<? extends QuantizedWeights> quantized,
      boolean sharesPrefixes,
      int positions) {
    CAPABILITIES.require(model.path(), model.config(), "");
    if (sharesPrefixes) {
      PREFIX_SHARING.require(model.path(), model.config(), "");
    }
    return new DecoderGraph(model, quantized, sharesPrefixes, positions).build();
  }

  private byte[] build() {
    String ids = graph.input("input_ids", DataType.INT64, "B", "S");
    graph.input("seqlens_k", DataType.INT32, "B");
    graph.input("total_sequence_length", DataType.INT32, 1);
    graph.input("logit_rows", DataType.INT64, "R");
    graph.input("inverse_temperature", DataType.FLOAT, "R", 1);
    graph.longs("head", -1, config.headSize());
    ropes.forEach((rope, suffix) -> graph.ropeTables(suffix, config.headSize(), rope, positions));
    graph.longs("last", -1);
    sequenceShape =
        graph.node("Concat", List.of(graph.node("Shape", ids), "last"), attribute("axis", 0));

    String rows = graph.node("Gather", projections.embedding(), ids);
    String residual = flat(graph.scaled(rows, config.embeddingScale()), config.hiddenSize());
    String normed = norm(residual, "model.layers.0.input_layernorm.weight");
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "model.layers." + layer + ".";
      String attended = attention(layer, normed);
      String beforeMlp = "post_attention_layernorm.weight";
      if (config.norm().sublayerOutputs()) {
        attended = norm(attended, name + beforeMlp);
        beforeMlp = "pre_feedforward_layernorm.weight";
      }
      String[] middle =
          addAndNorm(graph.scaled(attended, config.residualScale()), residual, name + beforeMlp);
      String added = projections.mlp(layer, middle[0]);
      if (config.norm().sublayerOutputs()) {
        added = norm(added, name + "post_feedforward_layernorm.weight");
      }
      String next =
          layer + 1 < config.layers()
              ? "model.layers." + (layer + 1) + ".input_layernorm.weight"
              : "model.norm.weight";
      String[] end = addAndNorm(graph.scaled(added, config.residualScale()), middle[1], next);
      normed = end[0];
      residual = end[1];
    }
    head(normed);
    return graph.toModel();
  }

  private String attention(int layer, String x) {
    String[] qkv = projections.queriesKeysValues(layer, x);
    if (config.norm().queriesAndKeys()) {
      String name = "model.layers." + layer + ".self_attn.";
      qkv[0] = normEachHead(qkv[0], name + "q_norm.weight", config.heads());
      qkv[1] = normEachHead(qkv[1], name + "k_norm.weight", config.keyValueHeads());
    }
    ModelConfig.LayerAttention settings = config.attention().get(layer);
    String angles = ropes.get(settings.rope());
    boolean packed = qkv.length == 1;
    String attended = "attended." + layer;
    String scores = "scores." + layer;
    List<String> outputs =
        new ArrayList<>(
            List.of(attended, cache("present", layer, "key"), cache("present", layer, "value")));
    prefixes.ifPresent(p -> outputs.add(scores));
    graph.node(
        MICROSOFT,
        "GroupQueryAttention",
        List.of(
            perSequence(qkv[0]),
            packed ? "" : perSequence(qkv[1]),
            packed ? "" : perSequence(qkv[2]),
            cache("past", layer, "key"),
            cache("past", layer, "value"),
            "seqlens_k",
            "total_sequence_length",
            "cos" + angles,
            "sin" + angles,
            prefixes.isPresent() ? "positions" : ""),
        outputs,
        attribute("num_heads", config.heads()),
        attribute("kv_num_heads", config.keyValueHeads()),
        attribute("do_rotary", 1),
        attribute("rotary_interleaved", 0),
        attribute("scale", projections.attentionScale()),
        attribute("local_window_size", settings.window().orElse(-1)),
        attribute("qk_output", prefixes.isPresent() ? 1 : 0));
    return projections.attentionOutput(
        layer,
        prefixes
            .map(p -> p.attend(layer, qkv[0], attended, scores))
            .orElseGet(() -> flat(attended, config.heads() * config.headSize())));
  }

  /** Declares the KV cache of a layer as an input or output; both have one shape. */
  private String cache(String when, int layer, String what) {
    String name = when + "." + layer + "." + what;
    Object[] shape = {"B", config.keyValueHeads(), "T", config.headSize()};
    if (when.equals("past")) {
      graph.input(name, DataType.FLOAT, shape);
    } else {
      graph.output(name, DataType.FLOAT, shape);
    }
    return name;
  }

  private void head(String normed) {
    String wanted = graph.node("Gather", List.of(normed, "logit_rows"), attribute("axis", 0));
    projections.head(graph.scaled(wanted, config.logitScale()));
    String tempered = graph.node("Mul", "logits", "inverse_temperature");
    graph.node("", "Softmax", List.of(tempered), List.of("probabilities"), attribute("axis", -1));
    // ReduceLogSumExp sums one by one in float32, an error of 1e-4 a token. Softmax is exact to a
    // rounding error, and ln Σ exp l = max l - ln max p. Java takes the ln: here its last bit would
    // depend on the row's index in the batch.
    String likeliest =
        graph.max(graph.node("Softmax", List.of("logits"), attribute("axis", -1)), 1);
    graph.node(
        "",
        "Concat",
        List.of(graph.max("logits", 1), likeliest),
        List.of("peaks"),
        attribute("axis", 1));
    graph.output("logits", DataType.FLOAT, "R", config.vocabularySize());
    graph.output("probabilities", DataType.FLOAT, "R", config.vocabularySize());
    graph.output("peaks", DataType.FLOAT, "R", 2);
  }

  private String norm(String x, String gain) {
    return graph.rmsNorm(x, projections.gain(gain), config.norm().epsilon());
  }

  /** RMSNorm of each head, [B × S, heads × head size]. */
  private String normEachHead(String x, String gain, int heads) {
    return flat(norm(graph.node("Reshape", x, "head"), gain), heads * config.headSize());
  }

  /** RMSNorm of {@code x + residual}, and that sum. */
  private String[] addAndNorm(String x, String residual, String gain) {
    String normed = gain + ":normed";
    String sum = gain + ":sum";
    graph.node(
        MICROSOFT,
        "SkipSimplifiedLayerNormalization",
        List.of(x, residual, projections.gain(gain)),
        List.of(normed, "", "", sum),
        attribute("epsilon", (float) config.norm().epsilon()));
    return new String[] {normed, sum};
  }

  /** [B, S, width] as [B × S, width], which Gemm takes. */
  private String flat(String x, int width) {
    String shape = flatShapes.computeIfAbsent(width, w -> graph.longs("flat." + w, -1, w));
    return graph.node("Reshape", x, shape);
  }

  /** [B × S, width] as [B, S, width], which attention takes. */
  private String perSequence(String x) {
    return graph.node("Reshape", x, sequenceShape);
  }
}
