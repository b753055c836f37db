package org.autodidact.checkpoints.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.checkpoints.files.BoundedFiles;

/** JSON files of a checkpoint. */
public final class JsonFiles {
  public static final JsonMapper MAPPER = JsonMapper.builder(factory().build()).build();

  /** Keeps no names: those of tensors and tokens come once. */
  private static final ObjectReader STREAMING =
      JsonMapper.builder(factory().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build())
          .build()
          .reader();

  private static JsonFactoryBuilder factory() {
    return new JsonFactoryBuilder()
        .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(64 << 20).build());
  }

  private static final int SHOWN = 120;

  private JsonFiles() {}

  public static Optional<ObjectNode> readIfThere(Path file) {
    return Files.exists(file) ? Optional.of(read(file)) : Optional.empty();
  }

  /**
   * A file that describes a model or its tensors; it may be of {@link BoundedFiles#DESCRIPTION}.
   */
  public static ObjectNode read(Path file) {
    return read(file, BoundedFiles.DESCRIPTION);
  }

  public static ObjectNode read(Path file, long maxBytes) {
    return object(
        BoundedFiles.read(
            file, maxBytes, "JSON as a checkpoint folder in Hugging Face's layout has it"),
        file.toString());
  }

  /**
   * @throws InvalidInputException where the bytes are not UTF-8, not JSON or no object, with the
   *     line
   */
  public static ObjectNode object(byte[] bytes, String source) {
    try (JsonParser parser = MAPPER.createParser(bytes)) {
      JsonNode node = MAPPER.readTree(parser);
      if (node != null && parser.nextToken() != null) {
        throw more(source);
      }
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new InvalidInputException(
          source + ": expected a JSON object, found " + (node == null ? "nothing" : shown(node)));
    } catch (IOException e) {
      // The parser's word for other encodings is not one for people.
      BoundedFiles.text(bytes, source);
      throw notJson(source, e);
    }
  }

  /**
   * Gives an object's members one by one, so that the object need not be held as a whole.
   *
   * @throws InvalidInputException where the bytes are no JSON object
   */
  public static void forEachMember(
      byte[] bytes, String source, BiConsumer<String, JsonNode> member) {
    stream(
        bytes, source, (name, parser) -> member.accept(name, parser.<JsonNode>readValueAsTree()));
  }

  /** Reads the value that the parser is at. */
  public interface ValueReader {
    /** Ends at the value's last token. */
    void read(String name, JsonParser parser) throws IOException;
  }

  /**
   * Lets a reader take an object's members one by one, token by token where it wants.
   *
   * @throws InvalidInputException where the bytes are not UTF-8 or no JSON object
   */
  public static void stream(byte[] bytes, String source, ValueReader reader) {
    try (JsonParser parser = STREAMING.createParser(BoundedFiles.text(bytes, source))) {
      JsonToken first = parser.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw new InvalidInputException(
            source
                + ": expected a JSON object, found "
                + (first == null ? "nothing" : "something else"));
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        reader.read(name, parser);
      }
      if (parser.nextToken() != null) {
        throw more(source);
      }
    } catch (IOException e) {
      throw notJson(source, e);
    }
  }

  private static InvalidInputException more(String source) {
    return new InvalidInputException(source + ": expected one JSON object, found more after it");
  }

  private static InvalidInputException notJson(String source, IOException e) {
    JsonLocation at = e instanceof JsonProcessingException json ? json.getLocation() : null;
    String message =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    // What Jackson says in brackets is where it was, of a source that it does not name.
    String what = message.lines().findFirst().orElse("").replaceFirst(" \\(start marker at .*", "");
    return new InvalidInputException(
        source
            + ": not JSON: "
            + cut(what)
            + (at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")"),
        e);
  }

  /** A value as an error shows it. */
  public static String shown(JsonNode node) {
    return cut(node.isMissingNode() ? "nothing" : node.toString());
  }

  /** A text of somebody else's as an error shows it: no longer than a line. */
  public static String cut(String text) {
    return ShownText.of(text, SHOWN);
  }

  public static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
