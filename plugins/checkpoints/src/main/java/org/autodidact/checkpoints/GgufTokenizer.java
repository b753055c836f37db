package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.autodidact.api.UnsupportedModelException;

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

  /** What cuts a text before byte-pair merges, by llama.cpp's name of it. */
  private static final Map<String, String> CUTS =
      Map.of(
          "llama-bpe",
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          "qwen2",
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

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
    tokens = list("tokens", String.class);
    types = list("token_type", Long.class);
    if (types.size() != tokens.size()) {
      throw file.bad(tokens.size() + " token types", types.size() + "");
    }
    merges = sentencePiece ? mergesByScore() : merges();
  }

  private <T> List<T> list(String name, Class<T> type) {
    return file.list("tokenizer.ggml." + name, type)
        .orElseThrow(
            () -> file.bad("the metadata 'tokenizer.ggml." + name + "'", "nothing of that kind"));
  }

  long bos() {
    return id("bos_token_id");
  }

  long eos() {
    return id("eos_token_id");
  }

  private long id(String name) {
    long id =
        file.number("tokenizer.ggml." + name)
            .orElseThrow(() -> file.bad("the metadata 'tokenizer.ggml." + name + "'", "nothing"));
    if (id < 0 || id >= tokens.size()) {
      throw file.bad("'" + name + "' below " + tokens.size(), Long.toString(id));
    }
    return id;
  }

  /** What ends a text, and a turn where that is another token. */
  List<Long> ends() {
    Set<Long> ends = new LinkedHashSet<>(List.of(eos()));
    file.number("tokenizer.ggml.eot_token_id")
        .filter(id -> id >= 0 && id < tokens.size())
        .ifPresent(ends::add);
    int turn = tokens.indexOf("<end_of_turn>");
    if (turn >= 0) {
      ends.add((long) turn);
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
    files.put("tokenizer.json", Json.bytes(tokenizer()));
    ObjectNode config = Json.MAPPER.createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("bos_token", tokens.get((int) bos()));
    config.put("eos_token", tokens.get((int) eos()));
    token("padding_token_id").ifPresent(token -> config.put("pad_token", token));
    if (sentencePiece) {
      token("unknown_token_id").ifPresent(token -> config.put("unk_token", token));
    }
    config.put("clean_up_tokenization_spaces", false);
    files.put("tokenizer_config.json", Json.bytes(config));
    file.text("tokenizer.chat_template")
        .ifPresent(t -> files.put("chat_template.jinja", t.getBytes(StandardCharsets.UTF_8)));
    return files;
  }

  private ObjectNode tokenizer() {
    ObjectNode json = Json.MAPPER.createObjectNode();
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
    return pre().equals("qwen2") ? Json.MAPPER.createObjectNode().put("type", "NFC") : null;
  }

  private String pre() {
    return file.text("tokenizer.ggml.pre").orElse("default");
  }

  private ObjectNode preTokenizer() {
    String pre = pre();
    return switch (pre) {
      // llama.cpp cuts before each digit of "smollm" too; transformers does not when it imports
      // such a
      // file, and our reference numbers are its. See docs/decisions.md, "Digits".
      case "default", "gpt-2", "smollm" -> byteLevel(true);
      case "llama-bpe", "qwen2" -> {
        ObjectNode split = Json.MAPPER.createObjectNode();
        split.put("type", "Split");
        split.putObject("pattern").put("Regex", CUTS.get(pre));
        split.put("behavior", "Isolated");
        split.put("invert", false);
        yield sequence(split, byteLevel(false));
      }
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
    ObjectNode replace = Json.MAPPER.createObjectNode();
    replace.put("type", "Replace");
    replace.putObject("pattern").put("String", from);
    replace.put("content", to);
    return replace;
  }

  private static ObjectNode sentencePieceDecoder() {
    ObjectNode sequence = Json.MAPPER.createObjectNode();
    sequence.put("type", "Sequence");
    ArrayNode parts = sequence.putArray("decoders");
    parts.add(replace(SPACE, " "));
    parts.addObject().put("type", "ByteFallback");
    parts.addObject().put("type", "Fuse");
    return sequence;
  }

  private static ObjectNode sequence(ObjectNode... parts) {
    ObjectNode sequence = Json.MAPPER.createObjectNode();
    sequence.put("type", "Sequence");
    sequence.putArray("pretokenizers").addAll(List.of(parts));
    return sequence;
  }

  private static ObjectNode byteLevel(boolean regex) {
    ObjectNode level = Json.MAPPER.createObjectNode();
    level.put("type", "ByteLevel");
    level.put("add_prefix_space", false);
    level.put("trim_offsets", true);
    level.put("use_regex", regex);
    return level;
  }
}
