package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;

/** GGUF files, the format of llama.cpp. */
public final class Gguf {
  /**
   * What differs between the architectures that GGUF names.
   *
   * @param modelType Hugging Face's name
   * @param modelClass and its class
   * @param pairsRotated whether the rows of q and k are stored so that rotary pairs are neighbours
   * @param gainsFromOne whether norm gains w are stored as 1 + w
   * @param norms names of a layer's norms
   */
  private record Architecture(
      String modelType,
      String modelClass,
      boolean pairsRotated,
      boolean gainsFromOne,
      Map<String, String> norms) {}

  private static final Map<String, String> TWO_NORMS =
      Map.of("attn_norm", "input_layernorm", "ffn_norm", "post_attention_layernorm");

  private static final Map<String, Architecture> ARCHITECTURES =
      Map.of(
          "llama",
          new Architecture("llama", "LlamaForCausalLM", true, false, TWO_NORMS),
          "qwen2",
          new Architecture("qwen2", "Qwen2ForCausalLM", false, false, TWO_NORMS),
          "qwen3",
          new Architecture(
              "qwen3",
              "Qwen3ForCausalLM",
              false,
              false,
              Map.of(
                  "attn_norm", "input_layernorm",
                  "attn_q_norm", "self_attn.q_norm",
                  "attn_k_norm", "self_attn.k_norm",
                  "ffn_norm", "post_attention_layernorm")),
          "gemma3",
          new Architecture(
              "gemma3_text",
              "Gemma3ForCausalLM",
              false,
              true,
              Map.of(
                  "attn_norm", "input_layernorm",
                  "attn_q_norm", "self_attn.q_norm",
                  "attn_k_norm", "self_attn.k_norm",
                  "post_attention_norm", "post_attention_layernorm",
                  "ffn_norm", "pre_feedforward_layernorm",
                  "post_ffw_norm", "post_feedforward_layernorm")));

  /** The largest Gemma 3, which scales its queries by another width than its heads'. */
  private static final int LAYERS_OF_GEMMA_27B = 62;

  private static final Map<String, String> LAYER_NAMES =
      Map.of(
          "attn_q", "self_attn.q_proj",
          "attn_k", "self_attn.k_proj",
          "attn_v", "self_attn.v_proj",
          "attn_output", "self_attn.o_proj",
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
   * template. The folder appears whole or not at all. Architectures: llama, qwen2 and qwen3 with a
   * byte-level BPE tokenizer, gemma3.
   */
  public static void importInto(Path gguf, Path folder) {
    try (GgufFile file = GgufFile.open(gguf)) {
      Map<String, WeightSource> weights = weights(file);
      GgufTokenizer tokenizer = new GgufTokenizer(file);
      Map<String, byte[]> files = new LinkedHashMap<>(tokenizer.files());
      files.put("config.json", Json.bytes(config(file, tokenizer)));
      ObjectNode generation = Json.MAPPER.createObjectNode();
      generation.put("bos_token_id", tokenizer.bos());
      generation.set("eos_token_id", ends(tokenizer));
      files.put("generation_config.json", Json.bytes(generation));
      ModelFolder.write(folder, weights, files);
    }
  }

  private static Architecture architecture(GgufFile file) {
    String name = file.text("general.architecture").orElse("none");
    Architecture architecture = ARCHITECTURES.get(name);
    if (architecture == null) {
      throw new UnsupportedModelException(
          file.path()
              + ": the architecture '"
              + name
              + "' is not supported; there are: "
              + new TreeSet<>(ARCHITECTURES.keySet()));
    }
    return architecture;
  }

  private static Map<String, WeightSource> weights(GgufFile file) {
    Architecture architecture = architecture(file);
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    for (GgufFile.Entry entry : file.tensors().values()) {
      if (!LEFT_OUT.contains(entry.name())) {
        weights.put(
            name(file, architecture, entry.name()),
            new WeightSource(entry.shape(), () -> bytes(decoded(file, architecture, entry))));
      }
    }
    return weights;
  }

  private static String name(GgufFile file, Architecture architecture, String name) {
    String outer = OUTER_NAMES.get(name);
    if (outer != null) {
      return outer;
    }
    String[] parts = name.split("\\.", -1);
    if (parts.length == 4 && parts[0].equals("blk")) {
      String inner = architecture.norms().getOrDefault(parts[2], LAYER_NAMES.get(parts[2]));
      if (inner != null) {
        return "model.layers." + parts[1] + "." + inner + "." + parts[3];
      }
    }
    throw new UnsupportedModelException(
        file.path()
            + ": the tensor '"
            + name
            + "' does not belong to a "
            + architecture.modelType());
  }

  private static float[] decoded(GgufFile file, Architecture architecture, GgufFile.Entry entry) {
    float[] values = file.floats(entry);
    if (architecture.gainsFromOne() && entry.name().endsWith("norm.weight")) {
      for (int i = 0; i < values.length; i++) {
        values[i] -= 1;
      }
    }
    if (!architecture.pairsRotated()) {
      return values;
    }
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
    Architecture architecture = architecture(file);
    config.putArray("architectures").add(architecture.modelClass());
    config.put("model_type", architecture.modelType());
    int heads = number(file, "attention.head_count");
    int hidden = number(file, "embedding_length");
    config.put("hidden_size", hidden);
    config.put("intermediate_size", number(file, "feed_forward_length"));
    config.put("num_hidden_layers", number(file, "block_count"));
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", keyValueHeads(file));
    config.put(
        "head_dim",
        file.number(key(file, "attention.key_length")).map(Long::intValue).orElse(hidden / heads));
    config.put("max_position_embeddings", number(file, "context_length"));
    config.put(
        "rms_norm_eps",
        file.real(key(file, "attention.layer_norm_rms_epsilon"))
            .orElseThrow(() -> missing(file, "attention.layer_norm_rms_epsilon")));
    if (architecture.modelType().equals("gemma3_text")) {
      putGemma(config, file, hidden / heads);
    } else {
      config.put("hidden_act", "silu");
    }
    config.put("rope_theta", file.real(key(file, "rope.freq_base")).orElse(10000.0));
    file.text(key(file, "rope.scaling.type"))
        .filter(type -> !type.equals("none"))
        .ifPresent(
            type -> {
              ObjectNode scaling = config.putObject("rope_scaling");
              scaling.put("rope_type", type);
              scaling.put("factor", file.real(key(file, "rope.scaling.factor")).orElse(1.0));
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
    config.set("eos_token_id", ends(tokenizer));
    config.put("torch_dtype", "float32");
    config.put("dtype", "float32");
    return config;
  }

  /** What GGUF leaves to its readers: see llama.cpp's llm_build_gemma3 and its parameters. */
  private static void putGemma(ObjectNode config, GgufFile file, int widthOfHeads) {
    int headSize = number(file, "attention.key_length");
    int layers = number(file, "block_count");
    config.put("hidden_activation", "gelu_pytorch_tanh");
    config.put("query_pre_attn_scalar", layers == LAYERS_OF_GEMMA_27B ? widthOfHeads : headSize);
    config.put("sliding_window", number(file, "attention.sliding_window"));
    config.put("rope_local_base_freq", file.real(key(file, "rope.freq_base_swa")).orElse(10000.0));
    ArrayNode types = config.putArray("layer_types");
    for (int layer = 1; layer <= layers; layer++) {
      types.add(layer % 6 == 0 ? "full_attention" : "sliding_attention");
    }
    for (String key : List.of("attn_logit_softcapping", "final_logit_softcapping")) {
      file.real(key(file, key)).ifPresent(value -> config.put(key, value));
    }
  }

  private static JsonNode ends(GgufTokenizer tokenizer) {
    List<Long> ends = tokenizer.ends();
    return ends.size() == 1
        ? Json.MAPPER.getNodeFactory().numberNode(ends.get(0))
        : Json.MAPPER.valueToTree(ends);
  }

  /** A key of the architecture's own. */
  private static String key(GgufFile file, String key) {
    return file.text("general.architecture").orElse("none") + "." + key;
  }

  private static int keyValueHeads(GgufFile file) {
    return file.number(key(file, "attention.head_count_kv"))
        .map(Long::intValue)
        .orElseGet(() -> number(file, "attention.head_count"));
  }

  private static int number(GgufFile file, String key) {
    long value = file.number(key(file, key)).orElseThrow(() -> missing(file, key));
    if (value <= 0 || value > Integer.MAX_VALUE) {
      throw file.bad("'" + key(file, key) + "' above 0", Long.toString(value));
    }
    return (int) value;
  }

  private static InvalidInputException missing(GgufFile file, String key) {
    return file.bad("the metadata '" + key(file, key) + "'", "nothing; the file is not complete");
  }
}
