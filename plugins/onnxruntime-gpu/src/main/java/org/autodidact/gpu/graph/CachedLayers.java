package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.safetensors.Float16;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * The layers of a decoder: norms with their residual, one product for queries, keys and values and
 * one for gate and up. All but attention is computed on rows, one a token; {@link Attention} on B
 * sequences of S tokens, as {@link Sequences} lays the rows out. They are of ONNX Runtime's fused
 * operators, or of standard ONNX alone.
 */
final class CachedLayers {
  /** How rows become the sequences of attention, and what it found becomes rows. */
  interface Sequences {
    /** Rows of queries, keys and values that a layer's sequences are made of. */
    String all(int layer, String rows);

    /** Rows [N, width] as sequences [B, S, width]. */
    String of(String rows);

    /** The rows of what attention found, of its [B × S, width]. */
    String rows(String attended);
  }

  /** What these layers compute; ONNX Runtime's attention takes head sizes in multiples of 16. */
  static BackendCapabilities capabilities(String backend) {
    return BackendCapabilities.allBut(backend, ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16);
  }

  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final ElementType type;
  private final WeightLayout layout;
  private final Attention attention;
  private final Optional<PlainNodes> plain;
  private final Map<Integer, String> flatShapes = new HashMap<>();
  private final Map<Float, String> scalars = new HashMap<>();

  CachedLayers(
      ModelConfig config,
      OnnxGraphBuilder graph,
      ElementType type,
      Operators operators,
      Attention attention) {
    this.config = config;
    this.graph = graph;
    this.type = type;
    this.layout = new WeightLayout(config);
    this.attention = attention;
    this.plain =
        operators == Operators.PLAIN
            ? Optional.of(new PlainNodes(graph, config, dataType(type)))
            : Optional.empty();
  }

  /** ONNX's number of an element type. */
  static DataType dataType(ElementType type) {
    return DataType.forNumber(type.number());
  }

  /** Declares weights as inputs, and the cache. */
  void declare() {
    for (WeightLayout.Tensor tensor : layout.tensors()) {
      graph.input(tensor.name(), dataType(type), tensor.shape().toArray());
    }
    attention.declare();
    if (config.norm().queriesAndKeys()) {
      graph.longs("head", -1, config.headSize());
    }
    int size = config.headSize();
    graph.longs(
        "qkv.parts",
        (long) config.heads() * size,
        (long) config.keyValueHeads() * size,
        (long) config.keyValueHeads() * size);
  }

  /** Elements of a row of queries, keys and values. */
  int queriesKeysValues() {
    return (config.heads() + 2 * config.keyValueHeads()) * config.headSize();
  }

  /**
   * Runs tokens {@code ids}, as many as rows, through the layers.
   *
   * @return the normed rows [N, hidden]
   */
  String run(String ids, Sequences sequences) {
    String residual = embedded(ids);
    String normed = norm(residual, "0.input_norm");
    for (int layer = 0; layer < config.layers(); layer++) {
      String of = layer + ".";
      String attended = attention(layer, normed, sequences);
      String beforeMlp = "post_attention_norm";
      if (config.norm().sublayerOutputs()) {
        attended = norm(attended, of + beforeMlp);
        beforeMlp = "pre_mlp_norm";
      }
      String[] middle = addAndNorm(residualScaled(attended), residual, of + beforeMlp);
      String added = mlp(of, middle[0]);
      if (config.norm().sublayerOutputs()) {
        added = norm(added, of + "post_mlp_norm");
      }
      String next = layer + 1 < config.layers() ? layer + 1 + ".input_norm" : "norm";
      String[] end = addAndNorm(residualScaled(added), middle[1], next);
      normed = end[0];
      residual = end[1];
    }
    return normed;
  }

  /** Logits in float32, [rows, V], of normed rows. */
  String logits(String rows) {
    String logits =
        graph.node(
            "Gemm",
            List.of(
                scaled(rows, config.logitScale()),
                config.tiedEmbeddings() ? "embedding" : "output_head"),
            attribute("transB", 1));
    return type == ElementType.FLOAT
        ? logits
        : graph.node("Cast", List.of(logits), attribute("to", (long) DataType.FLOAT_VALUE));
  }

  private String embedded(String ids) {
    String rows = graph.node("Gather", "embedding", ids);
    return flat(scaled(rows, config.embeddingScale()), config.hiddenSize());
  }

  private String attention(int layer, String x, Sequences sequences) {
    String of = layer + ".";
    String packed = sequences.all(layer, linear(x, of + "qkv", config.attentionBias()));
    List<String> parts;
    boolean normed = config.norm().queriesAndKeys();
    if (!normed && attention.takesPacked()) {
      parts = List.of(sequences.of(packed), "", "");
    } else {
      List<String> split = List.of(packed + ".q", packed + ".k", packed + ".v");
      graph.node("", "Split", List.of(packed, "qkv.parts"), split, attribute("axis", 1));
      String query = split.get(0);
      String key = split.get(1);
      if (normed) {
        query = normEachHead(query, of + "q_norm", config.heads());
        key = normEachHead(key, of + "k_norm", config.keyValueHeads());
      }
      parts = List.of(sequences.of(query), sequences.of(key), sequences.of(split.get(2)));
    }
    ModelConfig.LayerAttention settings = config.attention().get(layer);
    String attended = attention.attend(layer, parts, settings, layout.suffix(settings.rope()));
    String rows = sequences.rows(flat(attended, config.heads() * config.headSize()));
    return linear(rows, of + "o", config.outputBias());
  }

  private String normEachHead(String x, String gain, int heads) {
    return flat(norm(graph.node("Reshape", x, "head"), gain), heads * config.headSize());
  }

  private String mlp(String of, String x) {
    String both = linear(x, of + "gate_up", config.mlpBias());
    List<String> halves = List.of(both + ".gate", both + ".up");
    graph.node("", "Split", List.of(both), halves, attribute("axis", 1));
    String gate = halves.get(0);
    String active =
        switch (config.activation()) {
          case SILU -> graph.node("Mul", gate, graph.node("Sigmoid", gate));
          case GELU_TANH -> {
            if (plain.isPresent()) {
              yield plain.get().gelu(gate);
            }
            String gelu = gate + ".gelu";
            graph.node(MICROSOFT, "FastGelu", List.of(gate), List.of(gelu));
            yield gelu;
          }
        };
    return linear(graph.node("Mul", active, halves.get(1)), of + "down", config.mlpBias());
  }

  /** x · Wᵀ + bias, [rows, outputs]. */
  private String linear(String x, String name, boolean bias) {
    return graph.node(
        "Gemm", bias ? List.of(x, name, name + ".bias") : List.of(x, name), attribute("transB", 1));
  }

  private String norm(String x, String gain) {
    return plain.isPresent()
        ? plain.get().norm(x, gain)
        : graph.rmsNorm(x, gain, config.norm().epsilon());
  }

  /** RMSNorm of {@code x + residual}, and that sum. */
  private String[] addAndNorm(String x, String residual, String gain) {
    if (plain.isPresent()) {
      String sum = graph.node("Add", x, residual);
      return new String[] {plain.get().norm(sum, gain), sum};
    }
    String normed = gain + ":normed";
    String sum = gain + ":sum";
    graph.node(
        MICROSOFT,
        "SkipSimplifiedLayerNormalization",
        List.of(x, residual, gain),
        List.of(normed, "", "", sum),
        attribute("epsilon", (float) config.norm().epsilon()));
    return new String[] {normed, sum};
  }

  private String residualScaled(String x) {
    return scaled(x, config.residualScale());
  }

  private String scaled(String x, double scale) {
    return scale == 1 ? x : graph.node("Mul", x, scalar((float) scale));
  }

  /** A constant of the layers' type. */
  private String scalar(float value) {
    if (type == ElementType.FLOAT) {
      return graph.floatScalar(value);
    }
    short bits =
        type == ElementType.BFLOAT16 ? Float16.toBfloat16(value) : Float16.toFloat16(value);
    ByteBuffer bytes =
        ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN).putShort(0, bits);
    return scalars.computeIfAbsent(
        value, v -> graph.bytes("number." + v, dataType(type), bytes.array()));
  }

  /** [B, S, width] as [B × S, width], which Gemm takes. */
  private String flat(String x, int width) {
    String shape = flatShapes.computeIfAbsent(width, w -> graph.longs("flat." + w, -1, w));
    return graph.node("Reshape", x, shape);
  }
}
