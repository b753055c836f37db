package org.autodidact.checkpoints.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
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
   * @throws InvalidInputException where the bytes are no JSON object, where an id is none, or where
   *     a text of a few characters could take gigabytes
   */
  static TokenizerFile read(byte[] bytes, Path file) {
    Contents contents = new Contents(file);
    JsonFiles.stream(bytes, file.toString(), contents::read);
    if (contents.isVocabularyFirst) {
      JsonFiles.stream(bytes, file.toString(), contents::readVocabulary); // knows what is added now
    }
    if (contents.growth > MOST_CHARACTERS / contents.longest) {
      throw new InvalidInputException(
          file
              + ": its normalizer or decoder may make a text "
              + contents.growth
              + " times as long, which no tokenizer in use does; take another tokenizer.json");
    }
    return new TokenizerFile(
        contents.special,
        Math.max(contents.largestAdded, contents.largest) + 1,
        contents.largestPlain,
        contents.growth);
  }

  /** What is found as the file is read; merges and vocabulary, most of it, are not held. */
  private static final class Contents {
    private final Path file;
    private final Map<String, Integer> special = new LinkedHashMap<>();
    private final Set<String> added = new HashSet<>();
    private int largestAdded = -1;
    private int largest = -1;
    private int largestPlain = -1;
    private int longest = 1;
    private long growth = 1;
    private boolean isVocabularyFirst;

    Contents(Path file) {
      this.file = file;
    }

    void read(String name, JsonParser parser) throws IOException {
      switch (name) {
        case "added_tokens" -> {
          isVocabularyFirst = largest >= 0;
          parser.<JsonNode>readValueAsTree().forEach(this::add);
        }
        case "normalizer", "decoder" -> growth = Math.max(growth, growth(parser.readValueAsTree()));
        default -> readVocabulary(name, parser);
      }
    }

    private void add(JsonNode token) {
      String content = token.path("content").asText("");
      int id = id(token.path("id"), content, file);
      largestAdded = Math.max(largestAdded, id);
      longest = Math.max(longest, content.length());
      added.add(content);
      if (token.path("special").asBoolean()) {
        special.put(content, id);
      }
    }

    void readVocabulary(String name, JsonParser parser) throws IOException {
      if (!name.equals("model") || !parser.isExpectedStartObjectToken()) {
        parser.skipChildren();
        return;
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean isVocabulary = parser.currentName().equals("vocab");
        JsonToken begin = parser.nextToken();
        if (isVocabulary && begin == JsonToken.START_OBJECT) {
          readIds(parser);
        } else if (isVocabulary && begin == JsonToken.START_ARRAY) {
          countTokens(parser);
        } else {
          parser.skipChildren();
        }
      }
    }

    private void readIds(JsonParser parser) throws IOException {
      largestPlain = -1;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String token = parser.currentName();
        boolean isInt =
            parser.nextToken() == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() == JsonParser.NumberType.INT;
        int id =
            isInt && parser.getIntValue() >= 0
                ? parser.getIntValue()
                : id(parser.readValueAsTree(), token, file);
        largest = Math.max(largest, id);
        if (id > largestPlain && !added.contains(token)) {
          largestPlain = id;
        }
      }
    }

    private void countTokens(JsonParser parser) throws IOException {
      largestPlain = -1;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        parser.skipChildren();
        largestPlain++;
      }
      largest = largestPlain;
    }
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
