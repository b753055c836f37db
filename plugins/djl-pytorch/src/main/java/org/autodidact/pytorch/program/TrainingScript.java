package org.autodidact.pytorch.program;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.DecoderWeights;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * The TorchScript source of a decoder's forward and backward pass and of the optimizers, with one
 * model's constants put in, and the order of its weights. See decoder.torchscript.
 */
public final class TrainingScript {
  public static final BackendCapabilities CAPABILITIES = BackendCapabilities.allBut("training");

  private static final String FIRST_LAYER = "model.layers.0.";
  private static final String TEMPLATE = resource();
  private static final Pattern CONSTANT = Pattern.compile("\\b[A-Z][A-Z0-9_]+\\b");

  /** A layer's projections, in the script's order. */
  private static final List<String> PROJECTIONS =
      List.of(
          "self_attn.q_proj",
          "self_attn.k_proj",
          "self_attn.v_proj",
          "self_attn.o_proj",
          "mlp.gate_proj",
          "mlp.up_proj",
          "mlp.down_proj");

  /** Dropout masks a layer: of attention's and the MLP's output, of each adapter's input. */
  static final int MASKS = 2 + PROJECTIONS.size();

  /** libtorch's fused attention of CPUs. */
  private static final Map<String, String> CPU_ATTENTION =
      Map.of(
          "ATTENTION",
          "torch._scaled_dot_product_flash_attention_for_cpu",
          "ATTENTION_BACKWARD",
          "torch._scaled_dot_product_flash_attention_for_cpu_backward");

  private static final Map<ModelConfig.Activation, Map<String, String>> ACTIVATIONS =
      Map.of(
          ModelConfig.Activation.SILU,
          Map.of(
              "ACTIVATION", "torch.silu(gate)",
              "ACTIVATION_BACKWARD", "torch.silu_backward(g, gate)"),
          ModelConfig.Activation.GELU_TANH,
          Map.of(
              "ACTIVATION", "torch.gelu(gate, approximate=\"tanh\")",
              "ACTIVATION_BACKWARD", "torch.gelu_backward(g, gate, approximate=\"tanh\")"));

  /** oneDNN's product of float32: MKL's, which is libtorch's own, has no AVX-512 on AMD. */
  private static final String ONE_DNN =
      "ops.mkldnn._linear_pointwise(x, weight, None, \"none\","
          + " annotate(List[Optional[number]], []), \"\")";

  /** Bytes of logits that are computed at a time: glibc asks the kernel anew for each of 32 MiB. */
  private static final int CHUNK_BYTES = 31 << 20;

  /** Bytes of a micro-batch's logits that are kept for backward; the rest is computed again. */
  private static final int KEPT_BYTES = 256 << 20;

  /** How many times as much of either a GPU's program has: fewer and larger products. */
  private static final int DEVICE_CHUNKS = 4;

  private static final int DEVICE_KEPT = 2;

  private final ModelConfig config;
  private final List<String> weights;
  private final int weightsPerLayer;
  private final int chunkBytes;
  private final int keptBytes;

  public TrainingScript(ModelFolder model) {
    this(model, CHUNK_BYTES, KEPT_BYTES);
  }

  public TrainingScript(ModelFolder model, int chunkBytes, int keptBytes) {
    this.config = model.config();
    this.chunkBytes = chunkBytes;
    this.keptBytes = keptBytes;
    CAPABILITIES.require(model.path(), config, "");
    weights = new ArrayList<>(DecoderWeights.shapes(config).keySet());
    weightsPerLayer = (int) weights.stream().filter(w -> w.startsWith(FIRST_LAYER)).count();
    for (int i = 0; i < config.layers(); i++) {
      int first = 1 + i * weightsPerLayer;
      weights
          .subList(first, first + weightsPerLayer)
          .sort(Comparator.comparingInt(TrainingScript::order));
    }
    checkShapes(model);
  }

  /**
   * A layer's norms of width hidden come first, those of heads last. Saved states and the last bits
   * of the gradient's norm depend on this order.
   */
  private static int order(String weight) {
    return weight.contains("layernorm") ? 0 : weight.contains("norm") ? 2 : 1;
  }

  private void checkShapes(ModelFolder model) {
    TensorInfo embedding =
        model.tensor("model.embed_tokens.weight", config.vocabularySize(), config.hiddenSize());
    for (String name : weights) {
      if (model.tensor(name).shape().isEmpty()) {
        throw new UnsupportedModelException(embedding.file() + ": '" + name + "' has no dimension");
      }
    }
  }

  /** Names of the weights in the order in which the script takes them. */
  List<String> weights() {
    return List.copyOf(weights);
  }

  /** The different RoPEs of the layers, in the order in which the script takes their tables. */
  List<ModelConfig.RopeSettings> ropes() {
    return config.attention().stream().map(ModelConfig.LayerAttention::rope).distinct().toList();
  }

  /** Names of a layer's projections that have an adapter, in the script's order of them. */
  static List<String> adapted(TrainingSettings.Lora lora) {
    return PROJECTIONS.stream().filter(p -> lora.targets().contains(last(p))).toList();
  }

  private static String last(String projection) {
    return projection.substring(projection.indexOf('.') + 1);
  }

  /**
   * The source.
   *
   * @param lora the adapter to train, where there is one
   * @param bf16 whether matrix products take bf16
   * @param kernels which operations it takes
   */
  String text(Optional<TrainingSettings.Lora> lora, boolean bf16, TrainingDevice.Kernels kernels) {
    boolean device = kernels != TrainingDevice.Kernels.CPU;
    boolean cuda = kernels == TrainingDevice.Kernels.CUDA;
    Map<String, String> constants = new HashMap<>(CPU_ATTENTION);
    constants.put("DEVICE", flag(device));
    constants.put("CUDA", flag(cuda));
    constants.put("FLASH", flag(cuda && bf16));
    constants.put("EFFICIENT", flag(cuda && !bf16));
    constants.putAll(ACTIVATIONS.get(config.activation()));
    List<String> adapted = lora.map(TrainingScript::adapted).orElse(List.of());
    constants.put(
        "FLOAT_LINEAR", device || CpuInfo.isIntel() ? "torch.linear(x, weight)" : ONE_DNN);
    constants.put("MASKS", number(MASKS));
    constants.put("BF16", flag(bf16));
    constants.put("LORA", flag(lora.isPresent()));
    constants.put("QUANTIZED", flag(lora.map(TrainingSettings.Lora::quantized).orElse(false)));
    constants.put("ADAPTER_SCALE", number(lora.map(l -> l.alpha() / l.rank()).orElse(1.0)));
    constants.put("ADAPTERS_PER_LAYER", number(2 * adapted.size()));
    constants.put(
        "ADAPTERS",
        PROJECTIONS.stream()
            .map(p -> adapted.contains(p) ? 2 * adapted.indexOf(p) : -1)
            .toList()
            .toString());

    constants.put("LAYERS", number(config.layers()));
    constants.put("STRIDE", number(weightsPerLayer));
    constants.put("MATRICES", indices(".weight"));
    constants.put("BIASES", indices(".bias"));
    boolean outputNorms = config.norm().sublayerOutputs();
    String afterAttention = "post_attention_layernorm.weight";
    constants.put("INPUT_NORM", number(index("input_layernorm.weight")));
    constants.put(
        "MLP_NORM",
        number(index(outputNorms ? "pre_feedforward_layernorm.weight" : afterAttention)));
    constants.put("OUTPUT_NORMS", flag(outputNorms));
    constants.put("ATTENTION_OUTPUT_NORM", number(index(afterAttention)));
    constants.put("MLP_OUTPUT_NORM", number(index("post_feedforward_layernorm.weight")));
    constants.put("HEAD_NORMS", flag(config.norm().queriesAndKeys()));
    constants.put("Q_NORM", number(index("self_attn.q_norm.weight")));
    constants.put("K_NORM", number(index("self_attn.k_norm.weight")));
    constants.put("FINAL_NORM", number(1 + weightsPerLayer * config.layers()));
    constants.put("HEAD", number(config.tiedEmbeddings() ? 0 : weights.size() - 1));
    constants.put("GAIN", config.norm().gainsFromOne() ? "torch.add(w, 1)" : "w");
    constants.put("EPSILON", number(config.norm().epsilon()));

    constants.put("HEADS", number(config.heads()));
    constants.put("KV_HEADS", number(config.keyValueHeads()));
    constants.put("GROUP", number(config.heads() / config.keyValueHeads()));
    constants.put("SIZE", number(config.headSize()));
    constants.put("HALF", number(config.headSize() / 2));
    constants.put("SCORE_SCALE", number(config.attentionScale()));
    List<ModelConfig.LayerAttention> attention = config.attention();
    constants.put("ROPES", attention.stream().map(a -> ropes().indexOf(a.rope())).toList() + "");
    constants.put(
        "WINDOWS", attention.stream().map(a -> a.window().orElse(Integer.MAX_VALUE)).toList() + "");

    scale(constants, "EMBEDDING", config.embeddingScale());
    scale(constants, "RESIDUAL", config.residualScale());
    scale(constants, "LOGIT", config.logitScale());

    int row = config.vocabularySize() * (bf16 ? 2 : Float.BYTES);
    int chunk = Math.max(1, chunkBytes * (device ? DEVICE_CHUNKS : 1) / row / 32) * 32;
    int kept = keptBytes * (device ? DEVICE_KEPT : 1);
    constants.put("CHUNK", number(chunk));
    constants.put("KEPT_LOGITS", number(Math.max(1, kept / row / chunk) * chunk));
    return CONSTANT.matcher(TEMPLATE).replaceAll(m -> constants.getOrDefault(m.group(), m.group()));
  }

  private static void scale(Map<String, String> constants, String what, double scale) {
    constants.put(what + "_IS_SCALED", flag(scale != 1));
    constants.put(what + "_SCALE", number(scale));
  }

  /** Indices in a layer's weights of each projection's matrix or bias, −1 where there is none. */
  private String indices(String suffix) {
    return PROJECTIONS.stream().map(p -> index(p + suffix)).toList().toString();
  }

  /** A weight's index in its layer, −1 where layers have none of that name. */
  private int index(String name) {
    int found = weights.indexOf(FIRST_LAYER + name);
    return found < 0 ? -1 : found - 1;
  }

  private static String number(int value) {
    return Integer.toString(value);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.17e", value);
  }

  private static String flag(boolean value) {
    return value ? "True" : "False";
  }

  private static String resource() {
    try (InputStream in = TrainingScript.class.getResourceAsStream("decoder.torchscript")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
