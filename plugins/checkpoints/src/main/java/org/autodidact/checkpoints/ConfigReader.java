package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;

/** Reads config.json and generation_config.json; every number is checked before it is used. */
final class ConfigReader {
  /** One architecture more is one reader more here. */
  private static final List<String> SUPPORTED = List.of("llama");

  private final Path file;
  private final ObjectNode json;

  private ConfigReader(Path file, ObjectNode json) {
    this.file = file;
    this.json = json;
  }

  static ModelConfig read(Path folder) {
    Path file = folder.resolve("config.json");
    ConfigReader reader = new ConfigReader(file, Json.read(file));
    String type = reader.json.path("model_type").asText("");
    if (!SUPPORTED.contains(type)) {
      throw new UnsupportedModelException(
          file + ": model_type '" + type + "' is not supported; there are: " + SUPPORTED);
    }
    return reader.llama(endOfTextIds(folder, reader.json));
  }

  private ModelConfig llama(List<Integer> endOfTextIds) {
    String activation = json.path("hidden_act").asText("silu");
    if (!activation.equals("silu")) {
      throw new UnsupportedModelException(
          file + ": hidden_act '" + activation + "' is not supported; a llama has silu");
    }
    int hidden = positive("hidden_size");
    int heads = positive("num_attention_heads");
    int keyValueHeads = or("num_key_value_heads", heads);
    int headSize = or("head_dim", hidden / heads);
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
    JsonNode rope = json.path("rope_parameters");
    double theta =
        rope.has("rope_theta")
            ? rope.get("rope_theta").asDouble()
            : json.path("rope_theta").asDouble(10000);
    return new ModelConfig(
        "llama",
        hidden,
        positive("intermediate_size"),
        positive("num_hidden_layers"),
        heads,
        keyValueHeads,
        headSize,
        positive("vocab_size"),
        or("max_position_embeddings", 2048),
        json.path("rms_norm_eps").asDouble(1e-6),
        theta,
        scaling(rope.isObject() ? rope : json.path("rope_scaling")),
        json.path("tie_word_embeddings").asBoolean(false),
        json.path("attention_bias").asBoolean(false),
        json.path("mlp_bias").asBoolean(false),
        endOfTextIds);
  }

  private Optional<ModelConfig.RopeScaling> scaling(JsonNode node) {
    String type = node.path("rope_type").asText(node.path("type").asText("default"));
    return switch (type) {
      case "default" -> Optional.empty();
      case "linear" ->
          Optional.of(new ModelConfig.RopeScaling(type, factor(node, "factor"), 0, 0, 0));
      case "llama3" ->
          Optional.of(
              new ModelConfig.RopeScaling(
                  type,
                  factor(node, "factor"),
                  factor(node, "low_freq_factor"),
                  factor(node, "high_freq_factor"),
                  (int) factor(node, "original_max_position_embeddings")));
      default ->
          throw new UnsupportedModelException(
              file
                  + ": rope scaling '"
                  + type
                  + "' is not supported; there are: default, linear, llama3");
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

  private int or(String key, int otherwise) {
    return json.path(key).isNull() || json.path(key).isMissingNode() ? otherwise : positive(key);
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
