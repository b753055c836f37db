package org.autodidact.checkpoints.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * What is asked of tokenizer.json beside what the tokenizers library makes of it.
 *
 * @param specialTokens the ids of the special tokens by their texts, in the file's order
 * @param size one more than the largest id
 * @param largestId the largest id of a token that a text can be cut into; added tokens are left
 *     out, as some checkpoints name more of them than they have rows
 * @param growth how many times as long a text may become before it is cut, and token texts before
 *     they are joined
 */
record TokenizerFile(Map<String, Integer> specialTokens, int size, int largestId, long growth) {
  /** Characters that the library may come to hold of one text; it takes some 20 bytes for each. */
  static final long MOST_CHARACTERS = 1L << 24;

  TokenizerFile {
    specialTokens = Collections.unmodifiableMap(new LinkedHashMap<>(specialTokens));
  }

  /**
   * @throws InvalidInputException where an id is none, or where a text of a few characters could
   *     take gigabytes
   */
  static TokenizerFile of(ObjectNode json, Path file) {
    Map<String, Integer> special = new LinkedHashMap<>();
    Set<String> added = new HashSet<>();
    int largest = -1;
    int longest = 1;
    for (JsonNode token : json.path("added_tokens")) {
      String content = token.path("content").asText("");
      largest = Math.max(largest, id(token.path("id"), content, file));
      longest = Math.max(longest, content.length());
      added.add(content);
      if (token.path("special").asBoolean()) {
        special.put(content, token.path("id").asInt());
      }
    }
    int largestPlain = -1;
    JsonNode vocabulary = json.path("model").path("vocab");
    for (Map.Entry<String, JsonNode> token : vocabulary.properties()) {
      int id = id(token.getValue(), token.getKey(), file);
      largest = Math.max(largest, id);
      largestPlain = added.contains(token.getKey()) ? largestPlain : Math.max(largestPlain, id);
    }
    if (vocabulary.isArray()) {
      largestPlain = vocabulary.size() - 1;
    }
    long growth = Math.max(growth(json.path("normalizer")), growth(json.path("decoder")));
    if (growth > MOST_CHARACTERS / longest) {
      throw new InvalidInputException(
          file
              + ": its normalizer or decoder may make a text "
              + growth
              + " times as long, which no tokenizer in use does; take another tokenizer.json");
    }
    return new TokenizerFile(special, Math.max(largest, largestPlain) + 1, largestPlain, growth);
  }

  private static int id(JsonNode id, String token, Path file) {
    if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
      throw new InvalidInputException(
          file
              + ": the token '"
              + JsonFiles.cut(token)
              + "' must have an id from 0 to "
              + Integer.MAX_VALUE
              + ", found "
              + JsonFiles.shown(id));
    }
    return id.intValue();
  }

  /** The product of what the replacements in a part of tokenizer.json may lengthen a text by. */
  private static long growth(JsonNode part) {
    long growth = 1;
    for (String list : List.of("normalizers", "decoders")) {
      for (JsonNode inner : part.path(list)) {
        growth = capped(growth * growth(inner));
      }
    }
    if (part.path("type").asText("").equals("Replace")) {
      long written = part.path("content").asText("").length();
      JsonNode pattern = part.path("pattern");
      // A regular expression may match between any two characters.
      long read = pattern.path("String").asText("").length();
      growth =
          capped(growth * (read == 0 ? 1 + written : Math.max(1, (written + read - 1) / read)));
    }
    return growth;
  }

  /** Far below an overflow of the next product: a content has 64 million characters at most. */
  private static long capped(long growth) {
    return Math.min(growth, 1L << 32);
  }
}
