package org.autodidact.checkpoints.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.natives.DjlNatives;
import org.autodidact.checkpoints.natives.DjlOffline;

/**
 * Between text and token ids: tokenizer and chat template of one checkpoint. Thread-safe; lives as
 * long as the {@code ModelFolder} that opened it.
 *
 * <p>A special token that somebody writes in a message or a response is not taken for special: it
 * is cut in two before tokenizing, so that no prompt can end a turn or begin another's. (Hugging
 * Face takes it for special.)
 */
public final class PromptEncoder implements AutoCloseable {
  /** Never in a text: Unicode keeps it for private use inside a process. */
  private static final String CUT = "\uFDD0";

  /** Limit of tokenizer.json; the largest published have some 35 MB. */
  public static final long MOST_BYTES = 512L << 20;

  private final Path folder;
  private final HuggingFaceTokenizer tokenizer;
  private final ChatTemplate template;
  private final TokenizerFile description;
  private int[] endOfTurn;

  private PromptEncoder(
      Path folder,
      HuggingFaceTokenizer tokenizer,
      ChatTemplate template,
      TokenizerFile description) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    this.template = template;
    this.description = description;
  }

  /**
   * Opens the tokenizer and chat template of a folder; the caller closes it.
   *
   * @throws InvalidInputException where it is missing, too large or cannot be loaded
   */
  public static PromptEncoder open(Path folder) {
    return open(folder, Clock.systemDefaultZone());
  }

  /** As {@link #open(Path)}; {@code clock} is the time that the chat template may write. */
  public static PromptEncoder open(Path folder, Clock clock) {
    return BoundedFiles.guarded(folder.resolve("tokenizer.json"), () -> read(folder, clock));
  }

  private static PromptEncoder read(Path folder, Clock clock) {
    Path file = folder.resolve("tokenizer.json");
    byte[] bytes = BoundedFiles.read(file, MOST_BYTES, "a model's tokenizer");
    // Beside the library, which takes as long to read the file.
    CompletableFuture<TokenizerFile> described =
        CompletableFuture.supplyAsync(() -> TokenizerFile.read(bytes, file));
    ChatTemplate template;
    HuggingFaceTokenizer tokenizer;
    try {
      template = ChatTemplate.read(folder, clock);
      tokenizer = tokenizer(bytes);
    } catch (java.io.IOException | RuntimeException e) {
      result(described); // says more of what is wrong
      if (e instanceof AutodidactException known) {
        throw known;
      }
      throw new InvalidInputException(
          file
              + ": the tokenizer cannot be loaded: "
              + JsonFiles.cut(String.valueOf(e.getMessage())),
          e);
    }
    try {
      return new PromptEncoder(folder, tokenizer, template, result(described));
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  private static HuggingFaceTokenizer tokenizer(byte[] bytes) throws java.io.IOException {
    DjlNatives.loadTokenizers();
    Map<String, String> options =
        Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");
    try (InputStream in = new ByteArrayInputStream(bytes)) {
      return DjlOffline.during(() -> HuggingFaceTokenizer.newInstance(in, options));
    }
  }

  private static TokenizerFile result(CompletableFuture<TokenizerFile> described) {
    try {
      return described.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** The most tokens that the model of a folder takes, as its config.json has it, if it does. */
  public static int longest(Path folder) {
    return JsonFiles.readIfThere(folder.resolve("config.json"))
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
        encoded(
            question.length() + answer.length(),
            () ->
                tokenizer.encode(
                    cut(question).replace(CUT, " "), cut(answer).replace(CUT, " "), true, false));
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
  public EndOfTurn ends(List<Integer> configured) {
    Set<Integer> tokens = new HashSet<>(configured);
    if (!template.isThere()) {
      return new EndOfTurn(tokens, List.of());
    }
    List<Integer> closing;
    try {
      closing = Arrays.stream(closing()).boxed().toList();
    } catch (AutodidactException e) {
      Warnings.once(
          folder
              + ": how the chat template closes a turn is unknown, answers end at the ids of"
              + " config.json alone: "
              + e.getMessage());
      return new EndOfTurn(tokens, List.of());
    }
    Optional<Integer> first =
        closing.stream().filter(description.specialTokens()::containsValue).findFirst();
    first.ifPresent(tokens::add);
    return new EndOfTurn(tokens, first.isPresent() ? List.of() : closing);
  }

  /** The id of the special token that is written so, if it is one. */
  public OptionalInt specialToken(String text) {
    Integer id = description.specialTokens().get(text);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** A special token that stands in the text, if one does. */
  public Optional<String> specialTokenIn(String text) {
    return description.specialTokens().keySet().stream().filter(text::contains).findFirst();
  }

  /** Text of token ids, special tokens left out. */
  public String decode(int[] ids) {
    return encoded(
        ids.length, () -> tokenizer.decode(IntStream.of(ids).asLongStream().toArray(), true));
  }

  /** Refuses a tokenizer that cuts texts into tokens which an embedding of so many rows lacks. */
  public void requireBelow(int rows) {
    if (description.largestId() >= rows) {
      throw new InvalidInputException(
          folder
              + ": tokenizer.json has token ids up to "
              + description.largestId()
              + ", the embedding has "
              + rows
              + " rows; tokenizer and weights do not belong together");
    }
  }

  /** One more than the largest token id that the tokenizer has. */
  public int size() {
    return description.size();
  }

  /** Cuts every special token in the text after its first character. */
  private String cut(String text) {
    String cut = text.replace(CUT, "");
    for (String token : description.specialTokens().keySet()) {
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
        : Arrays.stream(encoded(text.length(), () -> tokenizer.encode(text, false, false)).getIds())
            .mapToInt(Math::toIntExact)
            .toArray();
  }

  /** What the library makes of {@code length} characters or tokens. */
  private <T> T encoded(long length, Supplier<T> work) {
    if (length > TokenizerFile.MOST_CHARACTERS / description.growth()) {
      throw new InvalidInputException(
          folder
              + ": a text of "
              + length
              + " characters or tokens is too long for its tokenizer, which takes at most "
              + TokenizerFile.MOST_CHARACTERS / description.growth());
    }
    try {
      return work.get();
    } catch (RuntimeException e) {
      throw new InvalidInputException(
          folder.resolve("tokenizer.json")
              + ": the tokenizer cannot take a text: "
              + JsonFiles.cut(String.valueOf(e.getMessage())),
          e);
    }
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
