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

/** Reads config.json and generation_config.json; every number is checked before it is used. */
final class ConfigReader {
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
              "gemma3_text", new Defaults(8, 4, 256, 262_208, 131_072)));

  /** Gemma 3 with pictures; its text model has a configuration of its own inside. */
  private static final String WITH_PICTURES = "gemma3";

  /** What a decoder here does not compute: keys that must be absent, null, false or 0. */
  private static final List<String> REFUSED =
      List.of(
          "attn_logit_softcapping",
          "final_logit_softcapping",
          "num_experts",
          "num_local_experts",
          "use_bidirectional_attention");

  /** Defaults of transformers, where config.json leaves a key out. */
  private static final int WINDOW = 4096;

  private static final int FIRST_QWEN_WINDOW = 28;
  private static final int GEMMA_PATTERN = 6;
  private static final double THETA = 10_000;
  private static final double GEMMA_THETA = 1_000_000;

  private final Path file;
  private final ObjectNode json;
  private final String type;
  private final Defaults defaults;

  private ConfigReader(Path file, String type, ObjectNode json) {
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
              + WITH_PICTURES);
    }
  }

  static ModelConfig read(Path folder) {
    Path file = folder.resolve("config.json");
    ObjectNode json = Json.read(file);
    String type = json.path("model_type").asText("");
    ConfigReader reader =
        type.equals(WITH_PICTURES) && json.path("text_config") instanceof ObjectNode text
            ? new ConfigReader(file, "gemma3_text", text)
            : new ConfigReader(file, type, json);
    for (String key : REFUSED) {
      if (reader.json.path(key).asDouble(0) != 0 || reader.json.path(key).asBoolean(false)) {
        throw reader.unsupported(key, reader.json.path(key), "it must be left out, null or false");
      }
    }
    return reader.decoder(endOfTextIds(folder, json));
  }

  private UnsupportedModelException unsupported(String key, JsonNode found, String known) {
    return new UnsupportedModelException(
        file + ": '" + key + "' " + found + " is not supported; " + known);
  }

  private ModelConfig decoder(List<Integer> endOfTextIds) {
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
    // Qwen2's biases and Mistral's lack of them are not in config.json.
    boolean bias = !type.equals("mistral") && json.path("attention_bias").asBoolean(false);
    return new ModelConfig(
        type,
        hidden,
        positive("intermediate_size"),
        layers,
        heads,
        keyValueHeads,
        headSize,
        or("vocab_size", defaults.vocabulary()),
        or("max_position_embeddings", defaults.contextLength()),
        gemma ? Math.sqrt(hidden) : 1,
        new ModelConfig.Norm(
            json.path("rms_norm_eps").asDouble(1e-6), gemma, gemma || type.equals("qwen3"), gemma),
        activation(gemma),
        1 / Math.sqrt(gemma ? or("query_pre_attn_scalar", 256) : headSize),
        attention(layers),
        json.path("tie_word_embeddings").asBoolean(gemma),
        bias || type.equals("qwen2"),
        bias && !type.equals("qwen2"),
        type.equals("llama") && json.path("mlp_bias").asBoolean(false),
        endOfTextIds);
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
    ModelConfig.RopeSettings rope =
        rope("full_attention", "rope_theta", gemma ? GEMMA_THETA : THETA, "rope_scaling");
    ModelConfig.RopeSettings localRope =
        gemma ? rope("sliding_attention", "rope_local_base_freq", THETA, "none") : rope;
    List<ModelConfig.LayerAttention> attention = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      boolean local = isLocal(layer, layers);
      attention.add(
          new ModelConfig.LayerAttention(
              local ? window : OptionalInt.empty(), local ? localRope : rope));
    }
    return attention;
  }

  private OptionalInt window() {
    boolean none =
        json.path("sliding_window").isNull()
            || (type.startsWith("qwen") && !json.path("use_sliding_window").asBoolean(false));
    return none ? OptionalInt.empty() : OptionalInt.of(or("sliding_window", WINDOW));
  }

  private boolean isLocal(int layer, int layers) {
    if (type.equals("llama") || type.equals("mistral")) {
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
    return type.equals("gemma3_text")
        ? (layer + 1) % or("sliding_window_pattern", or("_sliding_window_pattern", GEMMA_PATTERN))
            != 0
        : layer >= json.path("max_window_layers").asInt(FIRST_QWEN_WINDOW);
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
      if (part.path("partial_rotary_factor").asDouble(1) != 1) {
        throw unsupported("partial_rotary_factor", part.path("partial_rotary_factor"), "it is 1");
      }
    }
    return new ModelConfig.RopeSettings(
        node.path("rope_theta").asDouble(json.path(thetaKey).asDouble(theta)), scaling(scaling));
  }

  private Optional<ModelConfig.RopeScaling> scaling(JsonNode node) {
    String key = node.has("rope_type") ? "rope_type" : "type";
    String name = node.path(key).asText("default");
    return switch (name) {
      case "default" -> Optional.empty();
      case "linear" ->
          Optional.of(new ModelConfig.RopeScaling(name, factor(node, "factor"), 0, 0, 0));
      case "llama3" ->
          Optional.of(
              new ModelConfig.RopeScaling(
                  name,
                  factor(node, "factor"),
                  factor(node, "low_freq_factor"),
                  factor(node, "high_freq_factor"),
                  (int) factor(node, "original_max_position_embeddings")));
      default -> throw unsupported(key, node.path(key), "there are: default, linear, llama3");
    };
  }

  private double factor(JsonNode node, String key) {
    double value = node.path(key).asDouble(0);
    if (!(value > 0)) {
      throw new InvalidInputException(
          file + ": the rope scaling needs '" + key + "' above 0, found " + node.path(key));
    }
    return value;
  }

  private int positive(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() <= 0) {
      throw new InvalidInputException(
          file
              + ": '"
              + key
              + "' must be a whole number above 0, found "
              + (value.isMissingNode() ? "nothing" : value));
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

  private static List<Integer> endOfTextIds(Path folder, ObjectNode config) {
    Optional<ObjectNode> generation = Json.readIfThere(folder.resolve("generation_config.json"));
    JsonNode ids =
        generation.filter(g -> g.hasNonNull("eos_token_id")).orElse(config).path("eos_token_id");
    List<Integer> found = new ArrayList<>();
    if (ids.isArray()) {
      ids.forEach(id -> found.add(id.asInt(-1)));
    } else if (ids.isIntegralNumber()) {
      found.add(ids.asInt());
    }
    if (found.isEmpty() || found.contains(-1)) {
      throw new InvalidInputException(
          folder
              + ": eos_token_id must be a token id or a list of them, in generation_config.json"
              + " or config.json; found "
              + ids);
    }
    return found;
  }
}
