package org.autodidact.checkpoints.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * Tokenizer files from GGUF's metadata: byte-level BPE ({@code gpt2}), or SentencePiece's BPE
 * ({@code llama}) without a space before the text, as Gemma has it.
 */
final class GgufTokenizer {
  private static final int NORMAL = 1;

  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  /** How SentencePiece writes a space. */
  private static final String SPACE = "\u2581";

  /**
   * Texts of tokens that end a turn or a text, whatever the metadata say of them: llama-vocab.cpp.
   */
  private static final Set<String> ENDS =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<|eom_id|>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "[EOS]",
          "</s>",
          "<eos>",
          "<end_of_utterance>");

  /** llama.cpp's cuts where a file does not say how, one after the other. */
  private static final List<String> DEFAULT_CUTS =
      List.of(
          "[\\p{P}\\$\\+<=>\\^~\\|]+",
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
          "\\p{N}+",
          "[0-9][0-9][0-9]");

  /** What cuts a text before byte-pair merges, by llama.cpp's name of it. */
  private static final Map<String, String> CUTS =
      Map.of(
          "llama-bpe",
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          "qwen2",
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

  /** llama.cpp's name of these cuts, which follow one another; empty where it has none. */
  static Optional<String> preTokenizerOf(List<String> cuts) {
    if (cuts.equals(DEFAULT_CUTS)) {
      return Optional.of("default");
    }
    return CUTS.entrySet().stream()
        .filter(entry -> cuts.equals(List.of(entry.getValue())))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private final GgufFile file;
  private final List<String> tokens;
  private final List<Merge> merges;
  private final List<Long> types;
  private final boolean sentencePiece;

  /** Two tokens that make a third. */
  private record Merge(String left, String right) {}

  GgufTokenizer(GgufFile file) {
    this.file = file;
    String model = file.text("tokenizer.ggml.model").orElse("none");
    sentencePiece = model.equals("llama");
    if (!sentencePiece && !model.equals("gpt2")) {
      throw unsupported("the tokenizer '" + model + "'", "gpt2 (byte-level BPE), llama (Gemma's)");
    }
    if (sentencePiece && file.flag("tokenizer.ggml.add_space_prefix").orElse(true)) {
      throw unsupported(
          "a SentencePiece tokenizer with a space before the text", "those without (Gemma's)");
    }
    tokens = tokens();
    types = types();
    if (!sentencePiece && file.text("tokenizer.ggml.pre").isEmpty()) {
      Warnings.once(
          file.path()
              + ": it does not say how texts are cut before tokenizing ('tokenizer.ggml.pre'), so"
              + " they are cut by llama.cpp's default. A model that was trained with another cut"
              + " (Llama 3, Qwen, SmolLM) sees tokens that it does not know, and answers worse: take"
              + " a file converted since May 2024, or the model as a Hugging Face folder");
    }
    merges = sentencePiece ? mergesByScore() : merges();
  }

  private <T> List<T> list(String name, Class<T> type) {
    return file.list("tokenizer.ggml." + name, type)
        .orElseThrow(
            () -> file.bad("the metadata 'tokenizer.ggml." + name + "'", "nothing of that kind"));
  }

  /** Unique, as ids are found by them; llama.cpp names empty ones so. */
  private List<String> tokens() {
    List<String> given = list("tokens", String.class);
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int id = 0; id < given.size(); id++) {
      String token = given.get(id).isEmpty() ? "[EMPTY_" + id + "]" : given.get(id);
      Integer other = ids.putIfAbsent(token, id);
      if (other != null) {
        throw file.bad(
            "tokens that differ",
            "'" + JsonFiles.cut(token) + "' with the ids " + other + " and " + id);
      }
    }
    return List.copyOf(ids.keySet());
  }

  /**
   * Where a file gives no types, all tokens are text, as llama.cpp has it, but for those that end a
   * turn by their name and the ends that the metadata name; they are control tokens in any case.
   */
  private List<Long> types() {
    List<Long> given =
        file.value("tokenizer.ggml.token_type").isPresent()
            ? list("token_type", Long.class)
            : Collections.nCopies(tokens.size(), (long) NORMAL);
    if (given.size() != tokens.size()) {
      throw file.bad(tokens.size() + " token types", given.size() + "");
    }
    List<Long> types = new ArrayList<>(given);
    List<String> changed = new ArrayList<>();
    for (int id = 0; id < types.size(); id++) {
      boolean text = types.get(id) == NORMAL || types.get(id) == USER_DEFINED;
      if (text && ENDS.contains(tokens.get(id))) {
        types.set(id, (long) CONTROL);
        changed.add(tokens.get(id));
      }
    }
    if (!changed.isEmpty()) {
      Warnings.once(
          file.path()
              + ": it takes these tokens for text, but they end turns or texts, and are read so, as"
              + " llama.cpp does: "
              + JsonFiles.cut(changed.toString()));
    }
    return types;
  }

  int size() {
    return tokens.size();
  }

  /**
   * The token that begins a text. Byte-level files without one have none: llama.cpp then takes id
   * 11, which is Falcon's and in others any letter. SentencePiece's own is 1.
   */
  OptionalLong bos() {
    if (file.value("tokenizer.ggml.bos_token_id").isPresent()) {
      return OptionalLong.of(id("bos_token_id"));
    }
    return sentencePiece ? OptionalLong.of(1) : OptionalLong.empty();
  }

  private Optional<Long> eos() {
    return file.value("tokenizer.ggml.eos_token_id").map(value -> id("eos_token_id"));
  }

  private long id(String name) {
    long id =
        file.number("tokenizer.ggml." + name)
            .orElseThrow(() -> file.bad("a number as 'tokenizer.ggml." + name + "'", "another"));
    if (id < 0 || id >= tokens.size()) {
      throw file.bad("'" + name + "' below " + tokens.size(), Long.toString(id));
    }
    return id;
  }

  /** What ends a text, and a turn where that is another token. */
  List<Long> ends() {
    Set<Long> ends = new LinkedHashSet<>();
    eos().ifPresent(ends::add);
    file.number("tokenizer.ggml.eot_token_id")
        .filter(id -> id >= 0 && id < tokens.size())
        .ifPresent(ends::add);
    for (int id = 0; id < tokens.size(); id++) {
      boolean byName = tokens.get(id).equals("<end_of_turn>");
      if (byName || (eos().isEmpty() && ENDS.contains(tokens.get(id)))) {
        ends.add((long) id);
      }
    }
    if (ends.isEmpty()) {
      throw file.bad(
          "the metadata 'tokenizer.ggml.eos_token_id', or a token that ends texts by its name",
          "neither");
    }
    return List.copyOf(ends);
  }

  private Optional<String> token(String key) {
    return file.number("tokenizer.ggml." + key)
        .filter(id -> id >= 0 && id < tokens.size())
        .map(id -> tokens.get(id.intValue()));
  }

  Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("tokenizer.json", JsonFiles.bytes(tokenizer()));
    ObjectNode config = JsonFiles.MAPPER.createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    bos().ifPresent(id -> config.put("bos_token", tokens.get((int) id)));
    config.put("eos_token", tokens.get(eos().orElse(ends().get(0)).intValue()));
    token("padding_token_id").ifPresent(token -> config.put("pad_token", token));
    if (sentencePiece) {
      token("unknown_token_id").ifPresent(token -> config.put("unk_token", token));
    }
    config.put("clean_up_tokenization_spaces", false);
    files.put("tokenizer_config.json", JsonFiles.bytes(config));
    file.text("tokenizer.chat_template")
        .ifPresent(t -> files.put("chat_template.jinja", t.getBytes(StandardCharsets.UTF_8)));
    return files;
  }

  private ObjectNode tokenizer() {
    ObjectNode json = JsonFiles.MAPPER.createObjectNode();
    json.put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    for (int id = 0; id < tokens.size(); id++) {
      long type = types.get(id);
      if (type == CONTROL || type == USER_DEFINED) {
        ObjectNode token = added.addObject();
        token.put("id", id);
        token.put("content", tokens.get(id));
        for (String property : List.of("single_word", "lstrip", "rstrip")) {
          token.put(property, false);
        }
        // Runs of spaces are tokens of SentencePiece's own spaces, which stand in normal text.
        token.put("normalized", sentencePiece && type == USER_DEFINED);
        token.put("special", type == CONTROL);
      }
    }
    json.set("normalizer", normalizer());
    json.set("pre_tokenizer", sentencePiece ? null : preTokenizer());
    json.putNull("post_processor");
    json.set("decoder", sentencePiece ? sentencePieceDecoder() : byteLevel(true));
    ObjectNode model = json.putObject("model");
    model.put("type", "BPE");
    model.putNull("dropout");
    model.put("unk_token", sentencePiece ? token("unknown_token_id").orElse(null) : null);
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", sentencePiece);
    model.put("byte_fallback", sentencePiece);
    model.put("ignore_merges", !sentencePiece && pre().equals("llama-bpe"));
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      vocabulary.put(tokens.get(id), id);
    }
    ArrayNode pairs = model.putArray("merges");
    merges.forEach(merge -> pairs.addArray().add(merge.left()).add(merge.right()));
    return json;
  }

  private List<Merge> merges() {
    List<Merge> found = new ArrayList<>();
    for (String merge : list("merges", String.class)) {
      int space = merge.indexOf(' ', 1);
      if (space < 0) {
        throw file.bad("two parts in each merge", "'" + merge + "'");
      }
      found.add(new Merge(merge.substring(0, space), merge.substring(space + 1)));
    }
    return found;
  }

  /**
   * SentencePiece joins the pair whose whole has the highest score; Hugging Face has the pairs in
   * that order, longer left parts first. Marked tokens are found before that and never joined.
   */
  private List<Merge> mergesByScore() {
    List<Double> scores = list("scores", Double.class);
    if (scores.size() != tokens.size()) {
      throw file.bad(tokens.size() + " token scores", scores.size() + "");
    }
    Set<String> normal = new HashSet<>();
    List<Integer> byScore = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (types.get(id) == NORMAL) {
        normal.add(tokens.get(id));
        byScore.add(id);
      }
    }
    byScore.sort(Comparator.<Integer>comparingDouble(scores::get).reversed());
    List<Merge> found = new ArrayList<>();
    for (int id : byScore) {
      String token = tokens.get(id);
      for (int at = token.length() - 1; at > 0; at--) {
        String left = token.substring(0, at);
        String right = token.substring(at);
        if (normal.contains(left) && normal.contains(right)) {
          found.add(new Merge(left, right));
        }
      }
    }
    return found;
  }

  /** Qwen composes accents, which its GGUF does not say. */
  private ObjectNode normalizer() {
    if (sentencePiece) {
      return replace(" ", SPACE);
    }
    return pre().equals("qwen2") ? JsonFiles.MAPPER.createObjectNode().put("type", "NFC") : null;
  }

  private String pre() {
    return file.text("tokenizer.ggml.pre").orElse("default");
  }

  private ObjectNode preTokenizer() {
    String pre = pre();
    return switch (pre) {
      // llama.cpp splits before each digit of "smollm" too; transformers, whose reference numbers
      // are ours, does not when it imports such a file. See docs/decisions, 0002.
      case "gpt-2", "smollm" -> byteLevel(true);
      case "default" -> {
        List<ObjectNode> parts =
            new ArrayList<>(DEFAULT_CUTS.stream().map(GgufTokenizer::split).toList());
        parts.add(byteLevel(false));
        yield sequence(parts);
      }
      case "llama-bpe", "qwen2" -> sequence(List.of(split(CUTS.get(pre)), byteLevel(false)));
      default ->
          throw unsupported(
              "the pre-tokenizer '" + pre + "'", "default, gpt-2, smollm, llama-bpe, qwen2");
    };
  }

  private UnsupportedModelException unsupported(String what, String known) {
    return new UnsupportedModelException(
        file.path()
            + ": "
            + what
            + " is not supported; there are: "
            + known
            + ". Take the model as a Hugging Face folder");
  }

  private static ObjectNode replace(String from, String to) {
    ObjectNode replace = JsonFiles.MAPPER.createObjectNode();
    replace.put("type", "Replace");
    replace.putObject("pattern").put("String", from);
    replace.put("content", to);
    return replace;
  }

  private static ObjectNode sentencePieceDecoder() {
    ObjectNode sequence = JsonFiles.MAPPER.createObjectNode();
    sequence.put("type", "Sequence");
    ArrayNode parts = sequence.putArray("decoders");
    parts.add(replace(SPACE, " "));
    parts.addObject().put("type", "ByteFallback");
    parts.addObject().put("type", "Fuse");
    return sequence;
  }

  private static ObjectNode split(String expression) {
    ObjectNode split = JsonFiles.MAPPER.createObjectNode();
    split.put("type", "Split");
    split.putObject("pattern").put("Regex", expression);
    split.put("behavior", "Isolated");
    split.put("invert", false);
    return split;
  }

  private static ObjectNode sequence(List<ObjectNode> parts) {
    ObjectNode sequence = JsonFiles.MAPPER.createObjectNode();
    sequence.put("type", "Sequence");
    sequence.putArray("pretokenizers").addAll(parts);
    return sequence;
  }

  private static ObjectNode byteLevel(boolean regex) {
    ObjectNode level = JsonFiles.MAPPER.createObjectNode();
    level.put("type", "ByteLevel");
    level.put("add_prefix_space", false);
    level.put("trim_offsets", true);
    level.put("use_regex", regex);
    return level;
  }
}
