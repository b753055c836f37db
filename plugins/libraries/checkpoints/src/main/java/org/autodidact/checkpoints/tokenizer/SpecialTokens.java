package org.autodidact.checkpoints.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * A tokenizer's named special tokens, which a chat template may write: what transformers 5 passes
 * it as {@code special_tokens_map}.
 */
public final class SpecialTokens {
  /** Names that every tokenizer has, in transformers' order. */
  private static final List<String> NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private SpecialTokens() {}

  /**
   * The texts of a folder's special tokens by name; a name that has none is not in the map (in a
   * template it is undefined). They are those of tokenizer_config.json. Where that has no {@code
   * added_tokens_decoder} (transformers wrote one from 4.34 to 4.57), special_tokens_map.json is
   * read after it and its names win, as transformers does (tokenization_utils_base.py,
   * _from_pretrained). Besides the common names there are those that a model adds: any other key
   * that ends in {@code _token}, and those in {@code extra_special_tokens} where that is an object.
   *
   * @throws InvalidInputException where a token is neither a text nor an object with {@code
   *     content}; where a file is not JSON or too large
   */
  public static Map<String, String> read(Path folder) {
    Path configFile = folder.resolve("tokenizer_config.json");
    Path legacyFile = folder.resolve("special_tokens_map.json");
    Map<String, String> tokens = new LinkedHashMap<>();
    Optional<ObjectNode> config = JsonFiles.readIfThere(configFile);
    config.ifPresent(c -> add(tokens, c, configFile));
    if (config.isEmpty() || !config.get().has("added_tokens_decoder")) {
      JsonFiles.readIfThere(legacyFile).ifPresent(c -> add(tokens, c, legacyFile));
    }
    return Collections.unmodifiableMap(tokens);
  }

  private static void add(Map<String, String> tokens, ObjectNode json, Path file) {
    for (String name : NAMES) {
      if (json.has(name)) {
        put(tokens, name, json.get(name), file);
      }
    }
    json.properties().stream()
        .filter(e -> e.getKey().endsWith("_token") && !NAMES.contains(e.getKey()))
        .filter(e -> e.getValue().isTextual() || isToken(e.getValue()))
        .forEach(e -> put(tokens, e.getKey(), e.getValue(), file));
    for (String key : List.of("extra_special_tokens", "model_specific_special_tokens")) {
      if (json.get(key) instanceof ObjectNode more) {
        more.properties().forEach(e -> put(tokens, e.getKey(), e.getValue(), file));
      }
    }
  }

  /** An {@code AddedToken}: its text and how it is matched. */
  private static boolean isToken(JsonNode node) {
    return node.path("content").isTextual();
  }

  private static void put(Map<String, String> tokens, String name, JsonNode token, Path file) {
    if (token.isNull()) {
      tokens.remove(name);
    } else if (token.isTextual()) {
      tokens.put(name, token.textValue());
    } else if (isToken(token)) {
      tokens.put(name, token.get("content").textValue());
    } else {
      throw new InvalidInputException(
          file
              + ": '"
              + name
              + "' must be a text, or an object with 'content'; found "
              + JsonFiles.shown(token));
    }
  }
}
