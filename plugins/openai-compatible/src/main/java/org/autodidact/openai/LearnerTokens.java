package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.autodidact.api.FinishReason;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.checkpoints.tokenizer.IncrementalDecoder;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/**
 * The tokenizer and chat template of a model folder here, which a server was handed. The same ones
 * encode what is trained.
 */
final class LearnerTokens implements Tokens, AutoCloseable {
  private final PromptEncoder encoder;
  private final EndOfTurn ends;
  private final int vocabulary;

  private LearnerTokens(PromptEncoder encoder, EndOfTurn ends, int vocabulary) {
    this.encoder = encoder;
    this.ends = ends;
    this.vocabulary = vocabulary;
  }

  /**
   * Opens a folder's tokenizer; of its weights and its architecture nothing is asked, which are the
   * server's business.
   *
   * @param clock the time that the chat template may write
   */
  static LearnerTokens open(Path folder, Clock clock) {
    PromptEncoder encoder = PromptEncoder.open(folder, clock);
    try {
      JsonNode config = json(folder.resolve("config.json"));
      JsonNode own = json(folder.resolve("generation_config.json")).path("eos_token_id");
      JsonNode ids = own.isInt() || own.isArray() ? own : config.path("eos_token_id");
      List<Integer> configured = new ArrayList<>();
      for (JsonNode id : ids.isArray() ? ids : List.of(ids)) {
        if (id.isInt()) {
          configured.add(id.intValue());
        }
      }
      // a multimodal model has its decoder's configuration inside; padding makes rows of no text
      int rows = config.path("vocab_size").asInt(config.at("/text_config/vocab_size").asInt(0));
      return new LearnerTokens(encoder, encoder.ends(configured), Math.max(rows, encoder.size()));
    } catch (RuntimeException | Error e) {
      encoder.close();
      throw e;
    }
  }

  private static JsonNode json(Path file) {
    return JsonFiles.readIfThere(file).map(JsonNode.class::cast).orElse(MissingNode.getInstance());
  }

  /** One more than the largest token id that the model can sample. */
  int vocabulary() {
    return vocabulary;
  }

  private static List<Integer> list(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }

  @Override
  public List<Integer> prompt(List<Message> messages, BooleanSupplier isEnding) {
    return list(encoder.prompt(messages));
  }

  @Override
  public List<Integer> text(String text, BooleanSupplier isEnding) {
    return list(encoder.text(text));
  }

  @Override
  public List<Integer> endOfTurn(Prompt prompt, BooleanSupplier isEnding) {
    return list(encoder.endOfTurn());
  }

  /** The tokens that end an answer; a stop text that is a special token is one of them. */
  Set<Integer> stopTokens(SamplingParameters sampling) {
    Set<Integer> tokens = new HashSet<>();
    if (!sampling.ignoreEndOfText()) {
      tokens.addAll(ends.tokens());
    }
    for (String stop : sampling.stop()) {
      encoder.specialToken(stop).ifPresent(tokens::add);
    }
    return tokens;
  }

  /** How many tokens of an answer count, why it ended, and its text. */
  record Ended(int tokens, String text, FinishReason reason) {}

  /**
   * Reads an answer as it is sampled here: it ends at the first end of turn or stop text, whether
   * or not the server knows it for one.
   *
   * @param isStopped whether the server says that the answer ended of itself
   * @throws InvalidInputException where it says so, and the answer's end is missing
   */
  Ended read(List<Integer> answer, SamplingParameters sampling, boolean isStopped) {
    int[] tokens = answer.stream().mapToInt(t -> t).toArray();
    IncrementalDecoder text = new IncrementalDecoder(encoder);
    List<String> stops =
        sampling.stop().stream().filter(s -> encoder.specialToken(s).isEmpty()).toList();
    Set<Integer> stopTokens = stopTokens(sampling.withIgnoreEndOfText(true));
    for (int count = 1; count <= tokens.length; count++) {
      int end = sampling.ignoreEndOfText() ? 0 : ends.ending(tokens, count);
      if (end > 0) {
        return new Ended(count, decode(tokens, count - end), FinishReason.END_OF_TEXT);
      }
      if (stopTokens.contains(tokens[count - 1])) {
        return new Ended(count, decode(tokens, count), FinishReason.STOP_TEXT);
      }
      if (!stops.isEmpty()) {
        text.add(tokens[count - 1]);
        OptionalInt at = stops.stream().mapToInt(text::indexOf).filter(i -> i >= 0).min();
        if (at.isPresent()) {
          return new Ended(count, text.substring(at.getAsInt()), FinishReason.STOP_TEXT);
        }
      }
    }
    if (!isStopped) {
      return new Ended(
          tokens.length,
          decode(tokens, tokens.length),
          tokens.length == sampling.maxTokens()
              ? FinishReason.MAX_TOKENS
              : FinishReason.CONTEXT_FULL);
    }
    // the server has ends beside the folder's, which are special tokens, as all are
    if (!encoder.decode(new int[] {tokens[tokens.length - 1]}).isEmpty()) {
      throw new InvalidInputException(
          "ended of itself, and its last token id, "
              + tokens[tokens.length - 1]
              + ", is no end: the server keeps the end back, or has another tokenizer than the"
              + " learner");
    }
    return new Ended(tokens.length, decode(tokens, tokens.length), FinishReason.END_OF_TEXT);
  }

  private String decode(int[] tokens, int count) {
    return encoder.decode(Arrays.copyOf(tokens, count));
  }

  @Override
  public void close() {
    encoder.close();
  }
}
