package org.autodidact.engine.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.ZipException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;

/**
 * Reads JSON lines, or one list of all objects (AlpacaEval's files), compressed by gzip or not, of
 * a file or a pipe, which is read once. An error names file and line, or number in the list. Blank
 * lines are passed over; a key given twice is an error, and null is as if the key were not there.
 */
public final class JsonLines {
  /** Objects of a file; all are kept. */
  private static final int ROWS = 10_000_000;

  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final ObjectReader LINE =
      MAPPER.readerFor(JsonNode.class).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** Keys that a line's prompt itself is read from. */
  private static final Set<String> CONVERSATION =
      Set.of("id", "messages", "conversations", "conversation", "prompt", "instruction");

  private JsonLines() {}

  /** Makes a value of one line. */
  @FunctionalInterface
  public interface LineReader<T> {
    T read(Line line);
  }

  /**
   * The values of a file, and the line of each.
   *
   * @param file where it was read
   * @param values in the file's order
   * @param numbers by value, the number of its line, or of the object where {@code list}
   * @param list whether the file is one list
   */
  public record Rows<T>(Path file, List<T> values, List<Integer> numbers, boolean list) {
    /** File and line of the value at {@code index}. */
    public String where(int index) {
      return JsonLines.where(file, numbers.get(index), list);
    }

    /** Refuses ids of the values, in their order, of which one is there twice. */
    public void requireDistinct(List<String> ids) {
      Set<String> before = new HashSet<>();
      for (int i = 0; i < ids.size(); i++) {
        if (!before.add(ids.get(i))) {
          throw new InvalidInputException(
              where(i)
                  + ": the id '"
                  + ShownText.of(ids.get(i), 60)
                  + "' was there before; ids must be unique");
        }
      }
    }
  }

  private static String where(Path file, int number, boolean list) {
    return list ? file + ", object " + number + " of the list" : file + ", line " + number;
  }

  /** Every object of the file through {@code reader}. */
  public static <T> List<T> read(Path file, LineReader<T> reader) {
    return rows(file, reader).values();
  }

  /** The values of a file with their lines. */
  public static <T> Rows<T> rows(Path file, LineReader<T> reader) {
    List<T> values = new ArrayList<>();
    List<Integer> numbers = new ArrayList<>();
    boolean list;
    try (TextInput in = TextInput.open(file)) {
      list = in.skipBlank() == '[';
      if (list) {
        objects(file, in, reader, values, numbers);
      } else {
        lines(file, in, reader, values, numbers);
      }
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    } catch (EOFException | ZipException e) {
      throw new InvalidInputException(
          file + ": cut off or damaged (gzip: " + e.getMessage() + "); fetch it again", e);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    } catch (OutOfMemoryError e) {
      int read = values.size();
      values.clear();
      throw new InvalidInputException(
          file
              + ": the JVM's memory is full after "
              + read
              + " rows; give fewer rows, or more memory (AUTODIDACT_JAVA_OPTS=-Xmx…)",
          e);
    }
    if (values.isEmpty()) {
      throw new InvalidInputException(
          file + (list ? ": the list is empty" : ": expected a JSON object a line, found no line"));
    }
    return new Rows<>(file, values, numbers, list);
  }

  private static <T> void lines(
      Path file, TextInput in, LineReader<T> reader, List<T> values, List<Integer> numbers)
      throws IOException {
    while (in.skipBlank() >= 0) {
      int number = Math.toIntExact(in.line());
      String where = where(file, number, false);
      String text = in.readLine();
      JsonNode node;
      try {
        node = LINE.readTree(text);
      } catch (JsonProcessingException e) {
        throw new InvalidInputException(
            where + ": not JSON: " + JsonErrors.said(e) + "; mend or drop the line", e);
      }
      add(where, number, node, reader, values, numbers);
    }
  }

  private static <T> void objects(
      Path file, TextInput in, LineReader<T> reader, List<T> values, List<Integer> numbers)
      throws IOException {
    long skipped = in.line() - 1;
    in.allowObject();
    try (JsonParser parser = MAPPER.getFactory().createParser(in)) {
      parser.nextToken();
      while (true) {
        in.allowObject();
        JsonToken next = parser.nextToken();
        if (next == JsonToken.END_ARRAY) {
          break;
        }
        int number = values.size() + 1;
        JsonNode node = MAPPER.readTree(parser);
        add(where(file, number, true), number, node, reader, values, numbers);
      }
      in.allowObject();
      if (parser.nextToken() != null) {
        throw new InvalidInputException(
            file + ": begins as a JSON list and is none: more follows the list");
      }
    } catch (JsonProcessingException e) {
      long line = e.getLocation() == null ? in.line() : e.getLocation().getLineNr() + skipped;
      throw new InvalidInputException(
          file + ", line " + line + ": begins as a JSON list and is none: " + JsonErrors.said(e),
          e);
    }
  }

  private static <T> void add(
      String where,
      int number,
      JsonNode node,
      LineReader<T> reader,
      List<T> values,
      List<Integer> numbers) {
    if (node == null || !node.isObject()) {
      throw new InvalidInputException(
          where
              + ": expected a JSON object, found "
              + (node == null ? "nothing" : Line.type(node)));
    }
    if (values.size() == ROWS) {
      throw new InvalidInputException(where + ": more than " + ROWS + " rows; give a part of them");
    }
    values.add(reader.read(new Line(where, node)));
    numbers.add(number);
  }

  /** Whether it is a number that a double can hold. */
  public static boolean isFinite(JsonNode node) {
    return node.isNumber() && Double.isFinite(node.asDouble());
  }

  /**
   * One line.
   *
   * @param where file and line, for errors
   * @param json the object
   */
  public record Line(String where, JsonNode json) {

    /** Whether the key is there, and is not null. */
    public boolean has(String key) {
      return json.hasNonNull(key);
    }

    /** A text that must be there. */
    public String text(String key) {
      return optionalText(key)
          .orElseThrow(
              () -> refused("the text '" + key + "' is missing; found the keys " + keys()));
    }

    /** A text that must be there and hold more than white space: what a model is to write. */
    public String written(String key) {
      return requireWritten("'" + key + "'", text(key));
    }

    String requireWritten(String what, String text) {
      if (text.isBlank()) {
        throw refused(what + " is empty; drop the line, or write what belongs there");
      }
      return text;
    }

    public Optional<String> optionalText(String key) {
      if (!has(key)) {
        return Optional.empty();
      }
      JsonNode value = json.get(key);
      if (!value.isTextual()) {
        throw refused(
            "'"
                + key
                + "' must be a text, found "
                + type(value)
                + (value.isArray() ? "; the turns of a conversation go into 'messages'" : ""));
      }
      return Optional.of(encodable(value.asText()));
    }

    /** {@code id}, a text or a whole number, or the number in the file. */
    public String id(int number) {
      JsonNode id = json.path("id");
      return id.isIntegralNumber()
          ? id.asText()
          : optionalText("id").orElse(Integer.toString(number));
    }

    /** What a line says beside its id and its conversation: texts as they are, the rest as JSON. */
    Map<String, String> otherFields() {
      Map<String, String> fields = new TreeMap<>();
      json.properties()
          .forEach(
              field -> {
                JsonNode value = field.getValue();
                if (!CONVERSATION.contains(field.getKey()) && !value.isNull()) {
                  String text = value.isTextual() ? value.asText() : value.toString();
                  fields.put(encodable(field.getKey()), encodable(text));
                }
              });
      return fields;
    }

    /** A number in [0, 1]; {@code otherwise} if it is not there. */
    public double fraction(String key, double otherwise) {
      if (!has(key)) {
        return otherwise;
      }
      JsonNode value = json.get(key);
      if (!value.isNumber() || !(value.asDouble() >= 0 && value.asDouble() <= 1)) {
        throw refused("'" + key + "' must be a number in [0, 1], found " + ShownText.of(value, 40));
      }
      return value.asDouble();
    }

    /** An error about this line. */
    public InvalidInputException refused(String what) {
      return new InvalidInputException(where + ": " + what);
    }

    /** The JSON type of a value. */
    static String type(JsonNode node) {
      return node.getNodeType().name().toLowerCase(Locale.ROOT);
    }

    /**
     * Half a character, as JSON can name it (\ud800), becomes a question mark: no file holds it.
     */
    static String encodable(String text) {
      return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    /** The keys, shortened for an error. */
    public List<String> keys() {
      List<String> keys = new ArrayList<>();
      json.fieldNames().forEachRemaining(key -> keys.add(ShownText.of(key, 20)));
      return keys.size() <= 10 ? keys : keys.subList(0, 10);
    }
  }

  /** Prompts, see {@link Examples#prompt}; without an id, the number in the file is one. */
  public static List<Prompt> prompts(Path file) {
    return promptRows(file, Examples::prompt).values();
  }

  /** The prompts of a file of prompts or of demonstrations, whose answers are left out. */
  public static List<Prompt> instructions(Path file) {
    return promptRows(file, Examples::instruction).values();
  }

  private static Rows<Prompt> promptRows(
      Path file, LineReader<List<org.autodidact.api.Message>> reader) {
    int[] count = {0};
    return rows(
        file, line -> new Prompt(line.id(count[0]++), reader.read(line), "", line.otherFields()));
  }

  /** {@link #prompts} that have distinct ids. */
  public static List<Prompt> distinctPrompts(Path file) {
    Rows<Prompt> rows = promptRows(file, Examples::prompt);
    rows.requireDistinct(rows.values().stream().map(Prompt::id).toList());
    return rows.values();
  }
}
