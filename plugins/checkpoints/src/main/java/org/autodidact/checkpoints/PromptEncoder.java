package org.autodidact.checkpoints;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.UnsupportedModelException;

/**
 * Between text and token ids: tokenizer and chat template of one checkpoint. Thread-safe; lives as
 * long as its {@link ModelFolder}.
 *
 * <p>A special token that somebody writes in a message or a response is not taken for special: it
 * is cut in two before tokenizing, so that no prompt can end a turn or begin another's. (Hugging
 * Face takes it for special.)
 */
public final class PromptEncoder implements AutoCloseable {
  /** Never in a text: Unicode keeps it for private use inside a process. */
  private static final String CUT = "\uFDD0";

  private static final System.Logger LOGGER = System.getLogger(PromptEncoder.class.getName());

  private final Path folder;
  private final HuggingFaceTokenizer tokenizer;
  private final ChatTemplate template;
  private final Map<String, Integer> specialTokens;
  private final int size;
  private int[] endOfTurn;

  private PromptEncoder(
      Path folder,
      HuggingFaceTokenizer tokenizer,
      ChatTemplate template,
      Map<String, Integer> specialTokens,
      int size) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    this.template = template;
    this.specialTokens = specialTokens;
    this.size = size;
  }

  /** Of a folder that has a tokenizer.json; the caller closes it. */
  public static PromptEncoder open(Path folder) {
    Path file = folder.resolve("tokenizer.json");
    ObjectNode json = Json.read(file);
    Map<String, Integer> special = new LinkedHashMap<>();
    int size = json.path("model").path("vocab").size();
    for (JsonNode token : json.path("added_tokens")) {
      size = Math.max(size, token.path("id").asInt() + 1);
      if (token.path("special").asBoolean()) {
        special.put(token.path("content").asText(), token.path("id").asInt());
      }
    }
    ChatTemplate template = ChatTemplate.read(folder);
    // The library asks its hub for nothing when it is given a file and told to stay offline.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    try {
      HuggingFaceTokenizer tokenizer =
          HuggingFaceTokenizer.newInstance(
              Files.newInputStream(file),
              Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
      return new PromptEncoder(folder, tokenizer, template, special, size);
    } catch (java.io.IOException | RuntimeException e) {
      throw new InvalidInputException(
          file + ": the tokenizer cannot be loaded: " + e.getMessage(), e);
    }
  }

  /** The most tokens that the model of a folder takes, as its config.json has it, if it does. */
  public static int longest(Path folder) {
    return Json.readIfThere(folder.resolve("config.json"))
        .map(c -> c.path("max_position_embeddings").asInt(Integer.MAX_VALUE))
        .orElse(Integer.MAX_VALUE);
  }

  /**
   * The chat-templated conversation with the opening of the assistant's turn at its end, as text.
   */
  public String render(List<Message> messages) {
    return renderCut(messages).replace(CUT, "");
  }

  private String renderCut(List<Message> messages) {
    return template.render(
        messages.stream().map(m -> new Message(m.role(), cut(m.content()))).toList(), true);
  }

  /** {@link #render} as token ids; no token is added to what the template wrote. */
  public int[] prompt(List<Message> messages) {
    return encode(renderCut(messages));
  }

  /**
   * A question and its answer for a model that reads both: by the chat template, or, where there is
   * none, as the tokenizer joins a pair of texts. A special token written in them is broken apart.
   *
   * @return token ids, and for each the text that it belongs to, 0 or 1
   */
  public long[][] exchange(String question, String answer) {
    if (template.isThere()) {
      List<Message> messages = List.of(Message.user(cut(question)), Message.assistant(cut(answer)));
      long[] ids = Arrays.stream(encode(template.render(messages, false))).asLongStream().toArray();
      return new long[][] {ids, new long[ids.length]};
    }
    Encoding pair =
        tokenizer.encode(
            cut(question).replace(CUT, " "), cut(answer).replace(CUT, " "), true, false);
    return new long[][] {pair.getIds(), pair.getTypeIds()};
  }

  /** A text's token ids; special tokens written in it are not taken for special. */
  public int[] text(String text) {
    return encode(cut(text));
  }

  /**
   * The tokens that close an assistant's turn, as the template writes them, white space after left
   * out.
   */
  public int[] endOfTurn() {
    int[] end = closing();
    if (end.length == 0) {
      throw new UnsupportedModelException(
          folder
              + ": the chat template writes nothing after an assistant's turn, so no answer could"
              + " learn to end; give it one that does");
    }
    return end;
  }

  private synchronized int[] closing() {
    if (endOfTurn == null) {
      String marker = "MARKER" + CUT;
      String rendered =
          template.render(List.of(Message.user("a"), Message.assistant(marker)), false);
      int at = rendered.lastIndexOf(marker);
      endOfTurn = encode(at < 0 ? "" : rendered.substring(at + marker.length()).strip());
    }
    return endOfTurn.clone();
  }

  /**
   * Where an answer ends. To the configured ids comes what training teaches as the end: the first
   * special token with which the template closes a turn, or, where there is none, all that it
   * closes it with.
   *
   * @param configured ids of config.json and generation_config.json
   */
  public Ends ends(List<Integer> configured) {
    Set<Integer> tokens = new HashSet<>(configured);
    if (!template.isThere()) {
      return new Ends(tokens, List.of());
    }
    List<Integer> closing;
    try {
      closing = Arrays.stream(closing()).boxed().toList();
    } catch (AutodidactException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "{0}: how the chat template closes a turn is unknown, answers end at the ids of config.json"
              + " alone: {1}",
          folder,
          e.getMessage());
      return new Ends(tokens, List.of());
    }
    Optional<Integer> first = closing.stream().filter(specialTokens::containsValue).findFirst();
    first.ifPresent(tokens::add);
    return new Ends(tokens, first.isPresent() ? List.of() : closing);
  }

  /** The id of the special token that is written so, if it is one. */
  public OptionalInt specialToken(String text) {
    Integer id = specialTokens.get(text);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** A special token that stands in the text, if one does. */
  public Optional<String> specialTokenIn(String text) {
    return specialTokens.keySet().stream().filter(text::contains).findFirst();
  }

  /** Text of token ids, special tokens left out. */
  public String decode(int[] ids) {
    return tokenizer.decode(IntStream.of(ids).asLongStream().toArray(), true);
  }

  /** Number of tokens that the tokenizer knows. */
  public int size() {
    return size;
  }

  /** Cuts every special token in the text after its first character. */
  private String cut(String text) {
    String cut = text.replace(CUT, "");
    for (String token : specialTokens.keySet()) {
      int first = token.offsetByCodePoints(0, Math.min(1, token.codePointCount(0, token.length())));
      if (first < token.length()) {
        cut = cut.replace(token, token.substring(0, first) + CUT + token.substring(first));
      }
    }
    return cut;
  }

  private int[] encode(String text) {
    if (!text.contains(CUT)) {
      return ids(text);
    }
    return Arrays.stream(text.split(CUT, -1)).map(this::ids).flatMapToInt(Arrays::stream).toArray();
  }

  private int[] ids(String text) {
    return text.isEmpty()
        ? new int[0]
        : Arrays.stream(tokenizer.encode(text, false, false).getIds())
            .mapToInt(Math::toIntExact)
            .toArray();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
