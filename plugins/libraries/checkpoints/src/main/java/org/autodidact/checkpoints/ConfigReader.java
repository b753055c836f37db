package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;

/** Reads config.json and generation_config.json; every number is checked before it is used. */
public final class ConfigReader {
  /**
   * What transformers takes where config.json leaves a key out; 0 for what is derived or must be
   * there.
   */
  private record Defaults(
      int heads, int keyValueHeads, int headSize, int vocabulary, int contextLength) {}

  private static final SortedMap<String, Defaults> SUPPORTED =
      new TreeMap<>(
          Map.of(
              "llama", new Defaults(0, 0, 0, 0, 2048),
              "qwen2", new Defaults(0, 0, 0, 0, 32_768),
              "qwen3", new Defaults(0, 0, 128, 0, 32_768),
              "mistral", new Defaults(0, 8, 0, 0, 131_072),
              "smollm3", new Defaults(16, 4, 0, 128_256, 32_768),
              "granite", new Defaults(0, 0, 0, 32_000, 2048),
              "gemma3_text", new Defaults(8, 4, 256, 262_208, 131_072)));

  /** The multimodal Gemma 3; its text model has a configuration of its own inside. */
  private static final String MULTIMODAL_GEMMA = "gemma3";

  /** What a decoder here does not compute: keys that must be absent, null, false or 0. */
  private static final List<String> REFUSED =
      List.of(
          "attn_logit_softcapping",
          "final_logit_softcapping",
          "num_experts",
          "num_local_experts",
          "quantization_config",
          "use_bidirectional_attention");

  /** Defaults of transformers, where config.json leaves a key out. */
  private static final int WINDOW = 4096;

  private static final int FIRST_QWEN_WINDOW = 28;
  private static final int GEMMA_PATTERN = 6;
  private static final double THETA = 10_000;
  private static final double GEMMA_THETA = 1_000_000;
  private static final double SMOLLM3_THETA = 2_000_000;
  private static final int SMOLLM3_NOPE_INTERVAL = 4;

  /** More than any model has (llama.cpp takes 512); each layer takes memory before its weights. */
  private static final int MOST_LAYERS = 4096;

  /** No longer sequence is computed, whatever a configuration says. */
  private static final int MOST_POSITIONS = 1 << 20;

  /** Beyond these, frequencies are no longer numbers of their own in float32. */
  private static final double MOST_THETA = 1e12;

  private static final double MOST_FACTOR = 1e6;

  private final String file;
  private final ObjectNode json;
  private final String type;
  private final Defaults defaults;

  private ConfigReader(String file, String type, ObjectNode json) {
    this.file = file;
    this.json = json;
    this.type = type;
    this.defaults = SUPPORTED.get(type);
    if (defaults == null) {
      throw new UnsupportedModelException(
          file
              + ": model_type '"
              + type
              + "' is not supported; there are: "
              + SUPPORTED.keySet()
              + " and the text of "
              + MULTIMODAL_GEMMA);
    }
  }

  public static ModelConfig read(Path folder) {
    Path file = folder.resolve("config.json");
    return read(
        file.toString(),
        JsonFiles.read(file),
        JsonFiles.readIfThere(folder.resolve("generation_config.json")));
  }

  /**
   * Reads a configuration that is not in a file yet, as the import of GGUF makes one.
   *
   * @param file where it is from, as errors say it
   * @param generation what generation_config.json holds, where there is one
   */
  public static ModelConfig read(String file, ObjectNode json, Optional<ObjectNode> generation) {
    String type = json.path("model_type").asText("");
    ConfigReader reader =
        type.equals(MULTIMODAL_GEMMA) && json.path("text_config") instanceof ObjectNode text
            ? new ConfigReader(file, "gemma3_text", text)
            : new ConfigReader(file, type, json);
    for (String key : REFUSED) {
      JsonNode value = reader.json.path(key);
      boolean neutral =
          value.isMissingNode()
              || value.isNull()
              || (value.isBoolean() && !value.booleanValue())
              || (value.isNumber() && value.doubleValue() == 0);
      if (!neutral) {
        throw reader.unsupported(key, value, "it must be left out, null or false");
      }
    }
    ModelConfig config = reader.decoder();
    return config.endingAt(reader.endOfTextIds(json, generation, config.vocabularySize()));
  }

  private UnsupportedModelException unsupported(String key, JsonNode found, String known) {
    return new UnsupportedModelException(
        file + ": '" + key + "' " + JsonFiles.shown(found) + " is not supported; " + known);
  }

  private ModelConfig decoder() {
    boolean gemma = type.equals("gemma3_text");
    int hidden = positive("hidden_size");
    int heads = or("num_attention_heads", defaults.heads());
    boolean each = json.path("num_key_value_heads").isNull();
    int keyValueHeads =
        or("num_key_value_heads", each ? heads : first(defaults.keyValueHeads(), heads));
    int headSize = or("head_dim", first(defaults.headSize(), hidden / heads));
    if (heads % keyValueHeads != 0 || headSize % 2 != 0) {
      throw new InvalidInputException(
          file
              + ": expected heads in multiples of key-value heads and an even head size, found "
              + heads
              + ", "
              + keyValueHeads
              + " and "
              + headSize);
    }
    int layers = positive("num_hidden_layers");
    if (layers > MOST_LAYERS) {
      throw new InvalidInputException(
          file + ": expected at most " + MOST_LAYERS + " 'num_hidden_layers', found " + layers);
    }
    // Qwen2's biases and Mistral's lack of them are not in config.json.
    boolean bias = !type.equals("mistral") && flag("attention_bias", false);
    return new ModelConfig(
        type,
        hidden,
        positive("intermediate_size"),
        layers,
        heads,
        keyValueHeads,
        headSize,
        or("vocab_size", defaults.vocabulary()),
        Math.min(MOST_POSITIONS, or("max_position_embeddings", defaults.contextLength())),
        gemma ? Math.sqrt(hidden) : granite("embedding_multiplier"),
        granite("residual_multiplier"),
        1 / granite("logits_scaling"),
        new ModelConfig.Norm(
            number(json, "rms_norm_eps", 1e-6, 0, 1), gemma, gemma || type.equals("qwen3"), gemma),
        activation(gemma),
        type.equals("granite")
            ? granite("attention_multiplier")
            : 1 / Math.sqrt(gemma ? or("query_pre_attn_scalar", 256) : headSize),
        attention(layers),
        flag("tie_word_embeddings", gemma || type.equals("smollm3")),
        bias || type.equals("qwen2"),
        bias && !type.equals("qwen2"),
        List.of("llama", "smollm3", "granite").contains(type) && flag("mlp_bias", false),
        List.of());
  }

  /**
   * One of Granite's four multipliers, which are 1 where it leaves them out; 1 for other models.
   */
  private double granite(String key) {
    return type.equals("granite") ? number(json, key, 1, 0, MOST_FACTOR) : 1;
  }

  private ModelConfig.Activation activation(boolean gemma) {
    String key = json.has("hidden_activation") ? "hidden_activation" : "hidden_act";
    String name = json.path(key).asText(gemma ? "gelu_pytorch_tanh" : "silu");
    return switch (name) {
      case "silu" -> ModelConfig.Activation.SILU;
      case "gelu_pytorch_tanh" -> ModelConfig.Activation.GELU_TANH;
      default -> throw unsupported(key, json.path(key), "there are: silu, gelu_pytorch_tanh");
    };
  }

  /** What each layer attends to. */
  private List<ModelConfig.LayerAttention> attention(int layers) {
    OptionalInt window = window();
    boolean gemma = type.equals("gemma3_text");
    double theta = gemma ? GEMMA_THETA : type.equals("smollm3") ? SMOLLM3_THETA : THETA;
    ModelConfig.RopeSettings rope = rope("full_attention", "rope_theta", theta, "rope_scaling");
    ModelConfig.RopeSettings localRope =
        gemma ? rope("sliding_attention", "rope_local_base_freq", THETA, "none") : rope;
    List<ModelConfig.LayerAttention> attention = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      boolean local = isLocal(layer, layers);
      ModelConfig.RopeSettings own =
          hasRope(layer) ? (local ? localRope : rope) : ModelConfig.RopeSettings.NONE;
      attention.add(new ModelConfig.LayerAttention(local ? window : OptionalInt.empty(), own));
    }
    return attention;
  }

  private OptionalInt window() {
    boolean none =
        json.path("sliding_window").isNull()
            || (!List.of("mistral", "gemma3_text").contains(type)
                && !flag("use_sliding_window", false));
    return none ? OptionalInt.empty() : OptionalInt.of(or("sliding_window", WINDOW));
  }

  /**
   * SmolLM3 leaves RoPE out of every fourth layer, or of those it lists with 0 (Yang et al., 2025).
   */
  private boolean hasRope(int layer) {
    if (!type.equals("smollm3")) {
      return true;
    }
    JsonNode uses = json.path("no_rope_layers");
    if (!uses.isArray()) {
      return (layer + 1) % or("no_rope_layer_interval", SMOLLM3_NOPE_INTERVAL) != 0;
    }
    JsonNode value = uses.path(layer);
    if (!value.isInt() || (value.intValue() != 0 && value.intValue() != 1)) {
      throw new InvalidInputException(
          file
              + ": expected a 1 (RoPE) or 0 (none) for each layer in 'no_rope_layers', found "
              + JsonFiles.shown(uses));
    }
    return value.intValue() == 1;
  }

  private boolean isLocal(int layer, int layers) {
    if (List.of("llama", "granite", "mistral").contains(type)) {
      return type.equals("mistral");
    }
    JsonNode types = json.path("layer_types");
    if (types.isArray()) {
      if (types.size() != layers) {
        throw new InvalidInputException(
            file + ": expected " + layers + " 'layer_types', found " + types.size());
      }
      return switch (types.path(layer).asText()) {
        case "sliding_attention" -> true;
        case "full_attention" -> false;
        default ->
            throw unsupported(
                "layer_types", types.path(layer), "there are: sliding_attention, full_attention");
      };
    }
    if (type.equals("smollm3")) {
      return !hasRope(layer);
    }
    return type.equals("gemma3_text")
        ? (layer + 1) % or("sliding_window_pattern", or("_sliding_window_pattern", GEMMA_PATTERN))
            != 0
        : layer >= number(json, "max_window_layers", FIRST_QWEN_WINDOW, -1, Integer.MAX_VALUE);
  }

  /**
   * Rotary positions; transformers 5 writes them in {@code rope_parameters}, for all layers or for
   * each type of them.
   *
   * @param layerType a key in there
   * @param thetaKey and {@code scalingKey}: where transformers 4 wrote them
   */
  private ModelConfig.RopeSettings rope(
      String layerType, String thetaKey, double theta, String scalingKey) {
    JsonNode all = json.path("rope_parameters");
    JsonNode node = all.path(layerType).isObject() ? all.path(layerType) : all;
    JsonNode scaling = node.isObject() ? node : json.path(scalingKey);
    for (JsonNode part : List.of(scaling, json)) {
      if (number(part, "partial_rotary_factor", 1, -1, 2) != 1) {
        throw unsupported("partial_rotary_factor", part.path("partial_rotary_factor"), "it is 1");
      }
    }
    return new ModelConfig.RopeSettings(
        node.hasNonNull("rope_theta")
            ? number(node, "rope_theta", theta, 0, MOST_THETA)
            : number(json, thetaKey, theta, 0, MOST_THETA),
        scaling(scaling));
  }

  private Optional<ModelConfig.RopeScaling> scaling(JsonNode node) {
    String key = node.has("rope_type") ? "rope_type" : "type";
    String name = node.path(key).asText("default");
    return switch (name) {
      case "default" -> Optional.empty();
      case "linear" ->
          Optional.of(new ModelConfig.RopeScaling(name, factor(node, "factor"), 0, 0, 0));
      case "llama3" -> Optional.of(bands(node));
      default -> throw unsupported(key, node.path(key), "there are: default, linear, llama3");
    };
  }

  /** Llama 3.1's scaling, which blends between two wavelengths. */
  private ModelConfig.RopeScaling bands(JsonNode node) {
    double low = factor(node, "low_freq_factor");
    double high = factor(node, "high_freq_factor");
    if (high <= low) {
      throw new InvalidInputException(
          file
              + ": the rope scaling needs a 'high_freq_factor' above its 'low_freq_factor', found "
              + high
              + " and "
              + low);
    }
    double original = number(node, "original_max_position_embeddings", 0, 0, Integer.MAX_VALUE);
    return new ModelConfig.RopeScaling("llama3", factor(node, "factor"), low, high, (int) original);
  }

  private double factor(JsonNode node, String key) {
    return number(node, key, 0, 0, MOST_FACTOR);
  }

  /**
   * A number above {@code above} and at most {@code most}, in {@code node}; {@code otherwise} where
   * it is left out.
   */
  private double number(JsonNode node, String key, double otherwise, double above, double most) {
    JsonNode value = node.path(key);
    double number = node.hasNonNull(key) ? value.doubleValue() : otherwise;
    if ((node.hasNonNull(key) && !value.isNumber()) || !(number > above && number <= most)) {
      throw new InvalidInputException(
          file
              + ": '"
              + key
              + "' must be a number above "
              + above
              + " and at most "
              + most
              + ", found "
              + JsonFiles.shown(value));
    }
    return number;
  }

  /** True or false; null is false, as Python has it. */
  private boolean flag(String key, boolean otherwise) {
    JsonNode value = json.path(key);
    if (value.isMissingNode()) {
      return otherwise;
    }
    if (!value.isBoolean() && !value.isNull()) {
      throw new InvalidInputException(
          file + ": '" + key + "' must be true or false, found " + JsonFiles.shown(value));
    }
    return value.asBoolean(false);
  }

  private int positive(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() <= 0) {
      throw new InvalidInputException(
          file + ": '" + key + "' must be a whole number above 0, found " + JsonFiles.shown(value));
    }
    return value.asInt();
  }

  private static int first(int value, int otherwise) {
    return value > 0 ? value : otherwise;
  }

  /** A number, which must be there where {@code otherwise} is 0. */
  private int or(String key, int otherwise) {
    return otherwise > 0 && !json.hasNonNull(key) ? otherwise : positive(key);
  }

  /**
   * Ids that end a text. Those that the embedding does not have can never be sampled; with others
   * beside them they are left out with a warning.
   */
  private List<Integer> endOfTextIds(
      ObjectNode config, Optional<ObjectNode> generation, int vocabulary) {
    boolean own = generation.filter(g -> g.hasNonNull("eos_token_id")).isPresent();
    JsonNode ids = (own ? generation.orElseThrow() : config).path("eos_token_id");
    List<Integer> found = new ArrayList<>();
    List<JsonNode> foreign = new ArrayList<>();
    for (JsonNode id : ids.isArray() ? ids : List.of(ids)) {
      if (!id.isIntegralNumber() || id.bigIntegerValue().signum() < 0) {
        throw noEnd(ids);
      }
      if (id.canConvertToInt() && id.intValue() < vocabulary) {
        found.add(id.intValue());
      } else {
        foreign.add(id);
      }
    }
    if (found.isEmpty()) {
      throw noEnd(ids);
    }
    if (!foreign.isEmpty()) {
      Warnings.once(
          file
              + ": eos_token_id has ids that the vocabulary of "
              + vocabulary
              + " does not have, and that never end an answer: "
              + JsonFiles.cut(foreign.toString()));
    }
    return found;
  }

  private InvalidInputException noEnd(JsonNode ids) {
    return new InvalidInputException(
        file
            + ": eos_token_id must be a token id below the size of the vocabulary, or a list of"
            + " them, here or in generation_config.json; found "
            + JsonFiles.shown(ids));
  }
}
