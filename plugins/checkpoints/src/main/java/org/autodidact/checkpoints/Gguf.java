package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;

/** GGUF files, the format of llama.cpp. */
public final class Gguf {
  private static final Map<String, String> LAYER_NAMES =
      Map.of(
          "attn_norm", "input_layernorm",
          "attn_q", "self_attn.q_proj",
          "attn_k", "self_attn.k_proj",
          "attn_v", "self_attn.v_proj",
          "attn_output", "self_attn.o_proj",
          "ffn_norm", "post_attention_layernorm",
          "ffn_gate", "mlp.gate_proj",
          "ffn_up", "mlp.up_proj",
          "ffn_down", "mlp.down_proj");

  private static final Map<String, String> OUTER_NAMES =
      Map.of(
          "token_embd.weight", "model.embed_tokens.weight",
          "output_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight");

  /** Computed by readers from the configuration. */
  private static final List<String> LEFT_OUT = List.of("rope_freqs.weight");

  private Gguf() {}

  /**
   * Imports a GGUF file into a Hugging Face folder with float32 weights, tokenizer and chat
   * template. The folder appears whole or not at all. Architecture: llama with a byte-level BPE
   * tokenizer.
   */
  public static void importInto(Path gguf, Path folder) {
    try (GgufFile file = GgufFile.open(gguf)) {
      String architecture = file.text("general.architecture").orElse("none");
      if (!architecture.equals("llama")) {
        throw new UnsupportedModelException(
            gguf + ": the architecture '" + architecture + "' is not supported; there is: llama");
      }
      Map<String, WeightSource> weights = weights(file);
      GgufTokenizer tokenizer = new GgufTokenizer(file);
      Map<String, byte[]> files = new LinkedHashMap<>(tokenizer.files());
      files.put("config.json", Json.bytes(config(file, tokenizer)));
      ObjectNode generation = Json.MAPPER.createObjectNode();
      generation.put("bos_token_id", tokenizer.bos());
      generation.put("eos_token_id", tokenizer.eos());
      files.put("generation_config.json", Json.bytes(generation));
      ModelFolder.write(folder, weights, files);
    }
  }

  private static Map<String, WeightSource> weights(GgufFile file) {
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    for (GgufFile.Entry entry : file.tensors().values()) {
      if (!LEFT_OUT.contains(entry.name())) {
        weights.put(
            name(file, entry.name()),
            new WeightSource(entry.shape(), () -> bytes(decoded(file, entry))));
      }
    }
    return weights;
  }

  private static String name(GgufFile file, String name) {
    String outer = OUTER_NAMES.get(name);
    if (outer != null) {
      return outer;
    }
    String[] parts = name.split("\\.", -1);
    if (parts.length == 4 && parts[0].equals("blk") && LAYER_NAMES.containsKey(parts[2])) {
      return "model.layers." + parts[1] + "." + LAYER_NAMES.get(parts[2]) + "." + parts[3];
    }
    throw new UnsupportedModelException(
        file.path() + ": the tensor '" + name + "' does not belong to a llama");
  }

  private static float[] decoded(GgufFile file, GgufFile.Entry entry) {
    float[] values = file.floats(entry);
    if (entry.name().contains(".attn_q.")) {
      return halfSplit(values, entry, number(file, "attention.head_count"));
    }
    if (entry.name().contains(".attn_k.")) {
      return halfSplit(values, entry, keyValueHeads(file));
    }
    return values;
  }

  /**
   * GGUF stores the rows of q and k so that rotary pairs are neighbours; Hugging Face has a head's
   * first halves, then its second ones.
   */
  private static float[] halfSplit(float[] values, GgufFile.Entry entry, int heads) {
    int rows = Math.toIntExact(entry.shape().get(0));
    int width = values.length / rows;
    int size = rows / heads;
    float[] split = new float[values.length];
    for (int row = 0; row < rows; row++) {
      int within = row % size;
      int from = row - within + 2 * (within % (size / 2)) + within / (size / 2);
      System.arraycopy(values, from * width, split, row * width, width);
    }
    return split;
  }

  private static ByteBuffer bytes(float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  private static ObjectNode config(GgufFile file, GgufTokenizer tokenizer) {
    ObjectNode config = Json.MAPPER.createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    config.put("model_type", "llama");
    config.put("hidden_act", "silu");
    int heads = number(file, "attention.head_count");
    int hidden = number(file, "embedding_length");
    config.put("hidden_size", hidden);
    config.put("intermediate_size", number(file, "feed_forward_length"));
    config.put("num_hidden_layers", number(file, "block_count"));
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", keyValueHeads(file));
    config.put(
        "head_dim",
        file.number("llama.attention.key_length").map(Long::intValue).orElse(hidden / heads));
    config.put("max_position_embeddings", number(file, "context_length"));
    config.put(
        "rms_norm_eps",
        file.real("llama.attention.layer_norm_rms_epsilon")
            .orElseThrow(() -> missing(file, "attention.layer_norm_rms_epsilon")));
    config.put("rope_theta", file.real("llama.rope.freq_base").orElse(10000.0));
    file.text("llama.rope.scaling.type")
        .filter(type -> !type.equals("none"))
        .ifPresent(
            type -> {
              ObjectNode scaling = config.putObject("rope_scaling");
              scaling.put("rope_type", type);
              scaling.put("factor", file.real("llama.rope.scaling.factor").orElse(1.0));
            });
    if (file.tensors().containsKey("rope_freqs.weight")) {
      throw new UnsupportedModelException(
          file.path()
              + ": its rotary frequencies are scaled by a table (Llama 3.1 and later), which the"
              + " import cannot express; take the model as a Hugging Face folder");
    }
    GgufFile.Entry embedding = file.tensors().get("token_embd.weight");
    if (embedding == null) {
      throw file.bad("the tensor 'token_embd.weight'", "none of that name");
    }
    config.put("vocab_size", embedding.shape().get(0));
    config.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
    config.put("attention_bias", file.tensors().containsKey("blk.0.attn_q.bias"));
    config.put("mlp_bias", file.tensors().containsKey("blk.0.ffn_gate.bias"));
    config.put("bos_token_id", tokenizer.bos());
    config.put("eos_token_id", tokenizer.eos());
    config.put("torch_dtype", "float32");
    config.put("dtype", "float32");
    return config;
  }

  private static int keyValueHeads(GgufFile file) {
    return file.number("llama.attention.head_count_kv")
        .map(Long::intValue)
        .orElseGet(() -> number(file, "attention.head_count"));
  }

  private static int number(GgufFile file, String key) {
    long value = file.number("llama." + key).orElseThrow(() -> missing(file, key));
    if (value <= 0 || value > Integer.MAX_VALUE) {
      throw file.bad("'llama." + key + "' above 0", Long.toString(value));
    }
    return (int) value;
  }

  private static InvalidInputException missing(GgufFile file, String key) {
    return file.bad("the metadata 'llama." + key + "'", "nothing; the file is not complete");
  }

  /** Tokenizer files from GGUF's metadata. */
  private static final class GgufTokenizer {
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    /** What cuts a text before byte-pair merges, by llama.cpp's name of it. */
    private static final Map<String, String> CUTS =
        Map.of(
            "llama-bpe",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "qwen2",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

    private final GgufFile file;
    private final List<String> tokens;
    private final List<String> merges;
    private final List<Long> types;

    GgufTokenizer(GgufFile file) {
      this.file = file;
      String model = file.text("tokenizer.ggml.model").orElse("none");
      if (!model.equals("gpt2")) {
        throw new UnsupportedModelException(
            file.path()
                + ": the tokenizer '"
                + model
                + "' is not supported; there is: gpt2"
                + " (byte-level BPE). Take the model as a Hugging Face folder");
      }
      tokens = list("tokens", String.class);
      merges = list("merges", String.class);
      types = list("token_type", Long.class);
      if (types.size() != tokens.size()) {
        throw file.bad(tokens.size() + " token types", types.size() + "");
      }
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

    Map<String, byte[]> files() {
      Map<String, byte[]> files = new LinkedHashMap<>();
      files.put("tokenizer.json", Json.bytes(tokenizer()));
      ObjectNode config = Json.MAPPER.createObjectNode();
      config.put("tokenizer_class", "PreTrainedTokenizerFast");
      config.put("bos_token", tokens.get((int) bos()));
      config.put("eos_token", tokens.get((int) eos()));
      file.number("tokenizer.ggml.padding_token_id")
          .filter(id -> id >= 0 && id < tokens.size())
          .ifPresent(id -> config.put("pad_token", tokens.get(id.intValue())));
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
          for (String property : List.of("single_word", "lstrip", "rstrip", "normalized")) {
            token.put(property, false);
          }
          token.put("special", type == CONTROL);
        }
      }
      json.putNull("normalizer");
      json.set("pre_tokenizer", preTokenizer());
      json.putNull("post_processor");
      json.set("decoder", byteLevel(true));
      ObjectNode model = json.putObject("model");
      model.put("type", "BPE");
      model.putNull("dropout");
      model.putNull("unk_token");
      model.putNull("continuing_subword_prefix");
      model.putNull("end_of_word_suffix");
      model.put("fuse_unk", false);
      model.put("byte_fallback", false);
      model.put("ignore_merges", pre().equals("llama-bpe"));
      ObjectNode vocabulary = model.putObject("vocab");
      for (int id = 0; id < tokens.size(); id++) {
        vocabulary.put(tokens.get(id), id);
      }
      ArrayNode pairs = model.putArray("merges");
      for (String merge : merges) {
        int space = merge.indexOf(' ', 1);
        if (space < 0) {
          throw file.bad("two parts in each merge", "'" + merge + "'");
        }
        pairs.addArray().add(merge.substring(0, space)).add(merge.substring(space + 1));
      }
      return json;
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
            throw new UnsupportedModelException(
                file.path()
                    + ": the pre-tokenizer '"
                    + pre
                    + "' is not supported; there are: default,"
                    + " gpt-2, smollm, llama-bpe, qwen2. Take the model as a Hugging Face folder");
      };
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
}
