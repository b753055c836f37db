package org.autodidact.engine.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PushbackInputStream;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingExample;

/**
 * Reads JSON lines, or one list of all objects (AlpacaEval's files), compressed by gzip or not. An
 * error names file and line, or place in the list. Blank lines are passed over.
 */
public final class JsonLines {
  /** Some editors begin UTF-8 text with it. */
  private static final int BYTE_ORDER_MARK = 0xfeff;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private JsonLines() {}

  /** Makes a value of one line. */
  @FunctionalInterface
  public interface LineReader<T> {
    T read(Line line);
  }

  /** Every line of the file through {@code reader}. */
  public static <T> List<T> read(Path file, LineReader<T> reader) {
    List<T> values = new ArrayList<>();
    try (BufferedReader in = open(file)) {
      int number = 0;
      for (String text = in.readLine(); text != null; text = in.readLine()) {
        number++;
        if (values.isEmpty() && text.stripLeading().startsWith("[")) {
          return list(file, reader);
        }
        if (!text.isBlank()) {
          values.add(reader.read(new Line(file + ", line " + number, parse(file, number, text))));
        }
      }
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    } catch (MalformedInputException e) {
      throw new InvalidInputException(
          file + ": not UTF-8 text; convert it, for example by iconv", e);
    } catch (EOFException | ZipException e) {
      throw new InvalidInputException(
          file + ": cut off or damaged (gzip: " + e.getMessage() + "); fetch it again", e);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
    if (values.isEmpty()) {
      throw new InvalidInputException(file + ": expected a JSON object a line, found no line");
    }
    return values;
  }

  /** Whether it is a number, and not one like 1e400 that none of ours holds. */
  public static boolean isFinite(JsonNode node) {
    return node.isNumber() && Double.isFinite(node.asDouble());
  }

  private static BufferedReader open(Path file) throws IOException {
    PushbackInputStream in = new PushbackInputStream(Files.newInputStream(file), 2);
    try {
      byte[] first = in.readNBytes(2);
      in.unread(first);
      // what every gzip file begins with, and no UTF-8 text
      boolean gzip = first.length == 2 && first[0] == 0x1f && first[1] == (byte) 0x8b;
      BufferedReader reader =
          new BufferedReader(
              new InputStreamReader(
                  gzip ? new GZIPInputStream(in, 1 << 16) : in,
                  StandardCharsets.UTF_8.newDecoder()));
      reader.mark(1);
      if (reader.read() != BYTE_ORDER_MARK) {
        reader.reset();
      }
      return reader;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private static <T> List<T> list(Path file, LineReader<T> reader) throws IOException {
    JsonNode list;
    try (BufferedReader in = open(file)) {
      list = JSON.readTree(in);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + ": begins as a JSON list and is none: " + said(e), e);
    }
    List<T> values = new ArrayList<>();
    for (JsonNode node : list) {
      String where = file + ", object " + (values.size() + 1) + " of the list";
      if (!node.isObject()) {
        throw new InvalidInputException(
            where + ": expected a JSON object, found " + node.getNodeType());
      }
      values.add(reader.read(new Line(where, node)));
    }
    if (values.isEmpty()) {
      throw new InvalidInputException(file + ": the list is empty");
    }
    return values;
  }

  /** What Jackson says, but for its word on a source that it does not show. */
  private static String said(JsonProcessingException e) {
    return e.getOriginalMessage()
        .replaceAll(
            "\\[Source: REDACTED [^;]*; line: (\\d+), column: (\\d+)]", "line $1, column $2");
  }

  /** File and line of the value at {@code index} of what {@link #read} gave. */
  public static String where(Path file, int index) {
    return read(file, Line::where).get(index);
  }

  private static JsonNode parse(Path file, int number, String text) {
    try {
      JsonNode node = JSON.readTree(text);
      if (node.isObject()) {
        return node;
      }
      throw new InvalidInputException(
          file + ", line " + number + ": expected a JSON object, found " + node.getNodeType());
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          file + ", line " + number + ": not JSON: " + said(e) + "; mend or drop the line", e);
    }
  }

  /**
   * One line.
   *
   * @param where file and line, for errors
   * @param json the object
   */
  public record Line(String where, JsonNode json) {

    /** A text that must be there. */
    public String text(String key) {
      return optionalText(key)
          .orElseThrow(
              () ->
                  new InvalidInputException(
                      where + ": the text '" + key + "' is missing; found the keys " + keys()));
    }

    /** A text that must be there and not empty: what a model is to learn to write. */
    public String written(String key) {
      String text = text(key);
      if (text.isEmpty()) {
        throw new InvalidInputException(
            where + ": '" + key + "' is empty; drop the line or write what the model should learn");
      }
      return text;
    }

    public Optional<String> optionalText(String key) {
      JsonNode value = json.get(key);
      if (value == null) {
        return Optional.empty();
      }
      if (!value.isTextual()) {
        throw new InvalidInputException(
            where
                + ": '"
                + key
                + "' must be a text, found "
                + value.getNodeType()
                + (value.isArray() ? "; the turns of a conversation go into 'messages'" : ""));
      }
      return Optional.of(encodable(value.asText()));
    }

    /** A number in [0, 1]; {@code otherwise} if it is not there. */
    public double fraction(String key, double otherwise) {
      JsonNode value = json.get(key);
      if (value == null) {
        return otherwise;
      }
      if (!value.isNumber() || !(value.asDouble() >= 0 && value.asDouble() <= 1)) {
        throw new InvalidInputException(
            where + ": '" + key + "' must be a number in [0, 1], found " + value);
      }
      return value.asDouble();
    }

    /** {@code messages}: a list of role and content, at least one. */
    public List<Message> messages() {
      JsonNode list = json.get("messages");
      if (list == null || !list.isArray() || list.isEmpty()) {
        throw new InvalidInputException(
            where
                + ": 'messages' must be a list of {\"role\", \"content\"}, not empty; found the keys "
                + keys());
      }
      List<Message> messages = new ArrayList<>();
      for (JsonNode m : list) {
        if (!m.path("role").isTextual() || !m.path("content").isTextual()) {
          throw new InvalidInputException(
              where + ": message " + messages.size() + " needs the texts role and content");
        }
        messages.add(new Message(m.get("role").asText(), encodable(m.get("content").asText())));
      }
      return messages;
    }

    /** A conversation: {@code messages}, or the text {@code key} as the user's message. */
    public List<Message> conversation(String key) {
      return json.has("messages") ? messages() : List.of(Message.user(text(key)));
    }

    /**
     * Half a character, as JSON can name it (\ud800), becomes a question mark: no file holds it.
     */
    private static String encodable(String text) {
      return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    public List<String> keys() {
      List<String> keys = new ArrayList<>();
      json.fieldNames().forEachRemaining(keys::add);
      return keys;
    }
  }

  /**
   * {"id", "prompt"}, {"id", "instruction"} or {"id", "messages"}; without an id, the place in the
   * file is one. What an instruction is about, {@code input} or that of its first of {@code
   * instances} (self-instruct's tasks), follows it.
   */
  public static List<Prompt> prompts(Path file) {
    int[] count = {0};
    return read(
        file,
        line -> {
          String id = line.optionalText("id").orElse(Integer.toString(count[0]));
          count[0]++;
          return line.json().has("messages") || !line.json().has("instruction")
              ? new Prompt(id, line.conversation("prompt"))
              : Prompt.of(id, task(line));
        });
  }

  /** {@link #prompts} that are told apart by their ids. */
  public static List<Prompt> distinctPrompts(Path file) {
    List<Prompt> prompts = prompts(file);
    requireDistinct(file, prompts.stream().map(Prompt::id).toList());
    return prompts;
  }

  /** Refuses ids of the file's values, in their order, of which one is there twice. */
  public static void requireDistinct(Path file, List<String> ids) {
    Set<String> before = new HashSet<>();
    for (int i = 0; i < ids.size(); i++) {
      if (!before.add(ids.get(i))) {
        throw new InvalidInputException(
            where(file, i) + ": the id '" + ids.get(i) + "' was there before; ids must be unique");
      }
    }
  }

  private static String task(Line line) {
    JsonNode about =
        line.json().path("instances").path(0).has("input")
            ? line.json().get("instances").get(0).get("input")
            : line.json().path("input");
    String input = about.asText("").strip();
    return line.text("instruction") + (input.isEmpty() ? "" : "\n\n" + input);
  }

  /** {"messages"} whose last is the assistant's, or {"prompt", "response"}. */
  public static TrainingExample demonstration(Line line) {
    if (!line.json().has("messages")) {
      return new TrainingExample.Demonstration(
          List.of(Message.user(line.text("prompt"))), line.written("response"));
    }
    List<Message> messages = line.messages();
    Message last = messages.get(messages.size() - 1);
    if (!last.role().equals("assistant") || messages.size() < 2) {
      throw new InvalidInputException(
          line.where()
              + ": the last of at least two messages must be the assistant's, found role '"
              + last.role()
              + "'");
    }
    if (last.content().isEmpty()) {
      throw new InvalidInputException(line.where() + ": the assistant's message is empty");
    }
    return new TrainingExample.Demonstration(
        messages.subList(0, messages.size() - 1), last.content());
  }

  /** {"prompt" or "messages", "chosen", "rejected"}, and "consistency" where it is not 1. */
  public static TrainingExample preference(Line line) {
    return new TrainingExample.Preference(
        line.conversation("prompt"),
        line.written("chosen"),
        line.text("rejected"),
        line.fraction("consistency", 1));
  }
}
