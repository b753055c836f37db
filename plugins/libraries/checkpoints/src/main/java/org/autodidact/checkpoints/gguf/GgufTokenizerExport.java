package org.autodidact.checkpoints.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.tokenizer.ChatTemplate;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.autodidact.checkpoints.tokenizer.SpecialTokens;

/**
 * A checkpoint's tokenizer as GGUF's metadata. Byte-level BPE whose pre-tokenizer llama.cpp knows,
 * and Gemma's BPE of SentencePiece tokens.
 */
final class GgufTokenizerExport {
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;

  private final ModelFolder model;
  private final Path file;
  private final ObjectNode json;
  private final List<String> tokens;
  private final List<Integer> types;

  GgufTokenizerExport(ModelFolder model) {
    this.model = model;
    this.file = model.path().resolve("tokenizer.json");
    this.json = JsonFiles.read(file, PromptEncoder.MOST_BYTES);
    int size = model.config().vocabularySize();
    tokens = new ArrayList<>();
    types = new ArrayList<>(Collections.nCopies(size, UNUSED));
    for (int id = 0; id < size; id++) {
      tokens.add("[PAD" + id + "]");
    }
    json.path("model")
        .path("vocab")
        .properties()
        .forEach(
            entry ->
                set(
                    entry.getValue().intValue(),
                    entry.getKey(),
                    isSentencePiece() && entry.getKey().matches("<0x[0-9A-F]{2}>")
                        ? BYTE
                        : NORMAL));
    for (JsonNode added : json.path("added_tokens")) {
      set(
          added.path("id").intValue(),
          added.path("content").asText(),
          added.path("special").asBoolean() ? CONTROL : USER_DEFINED);
    }
  }

  private void set(int id, String token, int type) {
    tokens.set(id, token);
    types.set(id, type);
  }

  /** Adds tokenizer and chat template to a file's metadata. */
  void describe(Map<String, Object> metadata) {
    if (!json.path("model").path("type").asText("BPE").equals("BPE")) {
      throw unsupported("a tokenizer of type " + JsonFiles.shown(json.path("model").path("type")));
    }
    if (isSentencePiece()) {
      metadata.put("tokenizer.ggml.model", "llama");
      metadata.put("tokenizer.ggml.pre", "default");
      metadata.put("tokenizer.ggml.scores", scores());
      metadata.put("tokenizer.ggml.add_space_prefix", false);
    } else {
      metadata.put("tokenizer.ggml.model", "gpt2");
      metadata.put("tokenizer.ggml.pre", preTokenizer());
      metadata.put("tokenizer.ggml.merges", merges().stream().map(m -> m[0] + " " + m[1]).toList());
    }
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.token_type", types);
    Map<String, String> special = SpecialTokens.read(model.path());
    id(special.get("bos_token")).ifPresent(id -> metadata.put("tokenizer.ggml.bos_token_id", id));
    id(special.get("pad_token"))
        .ifPresent(id -> metadata.put("tokenizer.ggml.padding_token_id", id));
    id(special.get("unk_token"))
        .ifPresent(id -> metadata.put("tokenizer.ggml.unknown_token_id", id));
    List<Integer> ends = model.config().endOfTextIds();
    int eos = id(special.get("eos_token")).filter(ends::contains).orElse(ends.get(0));
    metadata.put("tokenizer.ggml.eos_token_id", eos);
    ends.stream()
        .filter(id -> id != eos)
        .findFirst()
        .ifPresent(id -> metadata.put("tokenizer.ggml.eot_token_id", id));
    metadata.put("tokenizer.ggml.add_bos_token", beginsWithSpecialToken());
    ChatTemplate.text(model.path()).ifPresent(t -> metadata.put("tokenizer.chat_template", t));
  }

  private Optional<Integer> id(String token) {
    int id = token == null ? -1 : tokens.indexOf(token);
    return id < 0 ? Optional.empty() : Optional.of(id);
  }

  /** SentencePiece's tokens, with bytes for what has none, as Gemma has them. */
  private boolean isSentencePiece() {
    return json.path("model").path("byte_fallback").asBoolean(false);
  }

  /** Whether the tokenizer itself puts a token before a text, as Llama 3's does. */
  private boolean beginsWithSpecialToken() {
    JsonNode post = json.path("post_processor");
    List<JsonNode> parts = new ArrayList<>(List.of(post));
    post.path("processors").forEach(parts::add);
    return parts.stream().anyMatch(part -> part.path("single").path(0).has("SpecialToken"));
  }

  private List<String[]> merges() {
    List<String[]> merges = new ArrayList<>();
    for (JsonNode merge : json.path("model").path("merges")) {
      merges.add(
          merge.isArray()
              ? new String[] {merge.path(0).asText(), merge.path(1).asText()}
              : merge.asText().split(" ", 2));
    }
    return merges;
  }

  /**
   * SentencePiece joins the pair with the highest score first, which is the earliest merge here.
   */
  private List<Float> scores() {
    Map<String, Integer> ranks = new HashMap<>();
    List<String[]> merges = merges();
    for (int rank = 0; rank < merges.size(); rank++) {
      ranks.putIfAbsent(merges.get(rank)[0] + merges.get(rank)[1], rank);
    }
    return tokens.stream().map(t -> -(float) ranks.getOrDefault(t, merges.size())).toList();
  }

  /** llama.cpp's name of what cuts texts before byte-pair merges. */
  private String preTokenizer() {
    JsonNode root = json.path("pre_tokenizer");
    List<JsonNode> parts =
        root.path("type").asText().equals("Sequence")
            ? StreamSupport.stream(root.path("pretokenizers").spliterator(), false).toList()
            : List.of(root);
    boolean byteLevel =
        parts.get(parts.size() - 1).path("type").asText().equals("ByteLevel")
            && !parts.get(parts.size() - 1).path("add_prefix_space").asBoolean(true);
    boolean regex = parts.get(parts.size() - 1).path("use_regex").asBoolean(true);
    String first = parts.get(0).path("type").asText();
    if (byteLevel && regex && parts.size() == 1) {
      return "gpt-2";
    }
    if (byteLevel
        && regex
        && parts.size() == 2
        && first.equals("Digits")
        && parts.get(0).path("individual_digits").asBoolean()) {
      return "smollm";
    }
    if (byteLevel && !regex && parts.stream().limit(parts.size() - 1L).allMatch(this::isolates)) {
      List<String> cuts =
          parts.stream()
              .limit(parts.size() - 1L)
              .map(part -> part.path("pattern").path("Regex").asText())
              .toList();
      Optional<String> known = GgufTokenizer.preTokenizerOf(cuts);
      if (known.isPresent()) {
        return known.get();
      }
    }
    throw unsupported(
        "this pre_tokenizer ("
            + Arrays.toString(parts.stream().map(p -> p.path("type").asText()).toArray())
            + ")");
  }

  private boolean isolates(JsonNode part) {
    return part.path("type").asText().equals("Split")
        && part.path("behavior").asText().equals("Isolated")
        && !part.path("invert").asBoolean();
  }

  private UnsupportedModelException unsupported(String what) {
    return new UnsupportedModelException(
        file + ": " + what + " has no name in llama.cpp that is known here; GGUF is not written");
  }
}
