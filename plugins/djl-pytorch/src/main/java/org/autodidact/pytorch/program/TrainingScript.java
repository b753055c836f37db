package org.autodidact.pytorch.program;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * The text of the training program of a decoder (Llama, Qwen, Mistral), in TorchScript, and the
 * order of its weights. Forward and backward passes are written out, so that nothing is kept that
 * backward does not need, gradients are added up in place, and logits exist for scored tokens only,
 * some at a time.
 */
public final class TrainingScript {
  private static final String FIRST_LAYER = "model.layers.0.";
  private static final String TEXT = resource();
  private static final Pattern CONSTANT = Pattern.compile("\\b[A-Z][A-Z_]+\\b");

  /** A layer's projections, in the program's order. */
  private static final List<String> PROJECTIONS =
      List.of(
          "self_attn.q_proj",
          "self_attn.k_proj",
          "self_attn.v_proj",
          "self_attn.o_proj",
          "mlp.gate_proj",
          "mlp.up_proj",
          "mlp.down_proj");

  /** Attention that CPUs have for themselves. */
  private static final Map<String, String> ON_CPU =
      Map.of(
          "ATTEND",
          "torch._scaled_dot_product_flash_attention_for_cpu",
          "UNATTEND",
          "torch._scaled_dot_product_flash_attention_for_cpu_backward");

  /** The same of operations that every device has. */
  private static final Map<String, String> PLAIN =
      Map.of("ATTEND", "(self).plain_attention", "UNATTEND", "(self).plain_attention_backward");

  /** oneDNN's product of float32: MKL's, which is libtorch's own, has no AVX-512 on AMD. */
  private static final String ONE_DNN =
      "ops.mkldnn._linear_pointwise(x, w, None, \"none\","
          + " annotate(List[Optional[number]], []), \"\")";

  /** Bytes of logits that are computed at a time: glibc asks the kernel anew for each of 32 MiB. */
  private static final int CHUNK_BYTES = 31 << 20;

  /** Bytes of a pass's logits that are kept for backward; the rest is computed again. */
  private static final int KEPT_BYTES = 256 << 20;

  private final ModelConfig config;
  private final List<String> weights = new ArrayList<>();
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
    List<String> missing = unsupported(config);
    if (!missing.isEmpty()) {
      throw new UnsupportedModelException(
          model.path()
              + ": training does not have, and this "
              + config.modelType()
              + " needs: "
              + String.join(", ", missing));
    }
    weights.add("model.embed_tokens.weight");
    for (int i = 0; i < config.layers(); i++) {
      addLayer("model.layers." + i + ".");
    }
    weightsPerLayer = (weights.size() - 1) / config.layers();
    weights.add("model.norm.weight");
    if (!config.tiedEmbeddings()) {
      weights.add("lm_head.weight");
    }
    checkShapes(model);
  }

  /** What a model needs that is not in the program. */
  private static List<String> unsupported(ModelConfig config) {
    Map<String, Boolean> needs = new LinkedHashMap<>();
    needs.put("norms after attention and MLP", config.norm().sublayerOutputs());
    needs.put("norm gains of 1 + w", config.norm().gainsFromOne());
    needs.put("an embedding scale", config.embeddingScale() != 1);
    needs.put("an activation other than silu", config.activation() != ModelConfig.Activation.SILU);
    needs.put(
        "an attention scale of its own",
        config.attentionScale() != 1 / Math.sqrt(config.headSize()));
    needs.put(
        "more than one rotary base",
        config.attention().stream().map(ModelConfig.LayerAttention::rope).distinct().count() > 1);
    return needs.entrySet().stream().filter(Map.Entry::getValue).map(Map.Entry::getKey).toList();
  }

  private void addLayer(String layer) {
    weights.add(layer + "input_layernorm.weight");
    weights.add(layer + "post_attention_layernorm.weight");
    for (String name : List.of("q_proj", "k_proj", "v_proj")) {
      addLinear(layer + "self_attn." + name, config.attentionBias());
    }
    addLinear(layer + "self_attn.o_proj", config.outputBias());
    for (String name : List.of("gate_proj", "up_proj", "down_proj")) {
      addLinear(layer + "mlp." + name, config.mlpBias());
    }
    if (config.norm().queriesAndKeys()) {
      weights.add(layer + "self_attn.q_norm.weight");
      weights.add(layer + "self_attn.k_norm.weight");
    }
  }

  private void addLinear(String name, boolean bias) {
    weights.add(name + ".weight");
    if (bias) {
      weights.add(name + ".bias");
    }
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

  /** Names of the weights in the order in which the program takes them. */
  List<String> weights() {
    return List.copyOf(weights);
  }

  /** Names of a layer's projections that have an adapter, in the program's order of them. */
  static List<String> adapted(TrainingSettings.Lora lora) {
    return PROJECTIONS.stream().filter(p -> lora.targets().contains(last(p))).toList();
  }

  private static String last(String projection) {
    return projection.substring(projection.indexOf('.') + 1);
  }

  /**
   * The program. Its methods are described where {@link TrainingProgram} calls them.
   *
   * @param lora the adapter to train, where there is one
   * @param bf16 whether products take bf16
   * @param plain whether all operations are to be there on every device
   */
  String text(Optional<TrainingSettings.Lora> lora, boolean bf16, boolean plain) {
    Map<String, String> constants = new HashMap<>(plain ? PLAIN : ON_CPU);
    List<String> adapted = lora.map(TrainingScript::adapted).orElse(List.of());
    List<Integer> adapters =
        PROJECTIONS.stream().map(p -> adapted.contains(p) ? 2 * adapted.indexOf(p) : -1).toList();
    constants.put("PRODUCT", plain || CpuInfo.isIntel() ? "torch.linear(x, w)" : ONE_DNN);
    constants.put("PLACES", list(PROJECTIONS.stream().map(p -> place(p + ".weight")).toList()));
    constants.put("BIASES", list(PROJECTIONS.stream().map(p -> place(p + ".bias")).toList()));
    constants.put("ADAPTERS", list(adapters));
    constants.put("PER_LAYER", number(2 * adapted.size()));
    constants.put("ADAPTED", flag(lora.isPresent()));
    constants.put(
        "SCALE",
        String.format(Locale.ROOT, "%.17e", lora.map(l -> l.alpha() / l.rank()).orElse(1.0)));
    constants.put("QUANTIZED", flag(lora.map(TrainingSettings.Lora::quantized).orElse(false)));
    constants.put("LOW", flag(bf16));
    constants.put("HEAD_NORMS", flag(config.norm().queriesAndKeys()));
    constants.put("Q_NORM", number(place("self_attn.q_norm.weight")));
    constants.put("K_NORM", number(place("self_attn.k_norm.weight")));
    constants.put(
        "WINDOWS",
        list(config.attention().stream().map(a -> a.window().orElse(Integer.MAX_VALUE)).toList()));
    constants.put("HALF", number(config.headSize() / 2));
    constants.put("SIZE", number(config.headSize()));
    constants.put("LAYERS", number(config.layers()));
    constants.put("STRIDE", number(weightsPerLayer));
    constants.put("EPSILON", String.format(Locale.ROOT, "%.17e", config.norm().epsilon()));
    constants.put("KV_HEADS", number(config.keyValueHeads()));
    constants.put("HEADS", number(config.heads()));
    constants.put("GROUP", number(config.heads() / config.keyValueHeads()));
    constants.put("NORM", number(1 + weightsPerLayer * config.layers()));
    constants.put("HEAD", number(config.tiedEmbeddings() ? 0 : weights.size() - 1));
    int row = config.vocabularySize() * (bf16 ? 2 : Float.BYTES);
    int chunk = Math.max(1, chunkBytes / row / 32) * 32;
    constants.put("CHUNK", number(chunk));
    constants.put("KEPT", number(Math.max(1, keptBytes / row / chunk) * chunk));
    return CONSTANT.matcher(TEXT).replaceAll(m -> constants.getOrDefault(m.group(), m.group()));
  }

  /** A weight's place in its layer, −1 where layers have none of that name. */
  private int place(String name) {
    int found = weights.indexOf(FIRST_LAYER + name);
    return found < 0 ? -1 : found - 1;
  }

  private static String list(List<Integer> numbers) {
    return numbers.toString();
  }

  private static String number(int value) {
    return Integer.toString(value);
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
