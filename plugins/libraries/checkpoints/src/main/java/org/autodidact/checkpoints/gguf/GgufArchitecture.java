package org.autodidact.checkpoints.gguf;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What differs between the architectures that GGUF names.
 *
 * @param name GGUF's name
 * @param modelType Hugging Face's {@code model_type}
 * @param modelClass and its class
 * @param pairsRotated whether the rows of q and k are stored so that the two numbers of a RoPE pair
 *     are neighbours
 * @param gainsFromOne whether norm gains w are stored as 1 + w
 * @param norms names of a layer's norms, GGUF's to Hugging Face's
 */
record GgufArchitecture(
    String name,
    String modelType,
    String modelClass,
    boolean pairsRotated,
    boolean gainsFromOne,
    Map<String, String> norms) {
  private static final Map<String, String> TWO_NORMS =
      Map.of("attn_norm", "input_layernorm", "ffn_norm", "post_attention_layernorm");

  /** By GGUF's name. */
  static final Map<String, GgufArchitecture> ALL = new LinkedHashMap<>();

  static {
    add("llama", "llama", "LlamaForCausalLM", true, false, TWO_NORMS);
    add("qwen2", "qwen2", "Qwen2ForCausalLM", false, false, TWO_NORMS);
    add("smollm3", "smollm3", "SmolLM3ForCausalLM", true, false, TWO_NORMS);
    add("granite", "granite", "GraniteForCausalLM", true, false, TWO_NORMS);
    add(
        "qwen3",
        "qwen3",
        "Qwen3ForCausalLM",
        false,
        false,
        Map.of(
            "attn_norm", "input_layernorm",
            "attn_q_norm", "self_attn.q_norm",
            "attn_k_norm", "self_attn.k_norm",
            "ffn_norm", "post_attention_layernorm"));
    add(
        "gemma3",
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
            "post_ffw_norm", "post_feedforward_layernorm"));
  }

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

  private static final Pattern LAYER =
      Pattern.compile("model\\.layers\\.(\\d+)\\.(.*)\\.(weight|bias)");

  private static void add(
      String name,
      String modelType,
      String modelClass,
      boolean pairsRotated,
      boolean gainsFromOne,
      Map<String, String> norms) {
    ALL.put(
        name, new GgufArchitecture(name, modelType, modelClass, pairsRotated, gainsFromOne, norms));
  }

  /** The architecture of a Hugging Face {@code model_type}; llama.cpp runs Mistral as Llama. */
  static Optional<GgufArchitecture> ofModelType(String type) {
    String known = type.equals("mistral") ? "llama" : type;
    return ALL.values().stream().filter(a -> a.modelType.equals(known)).findFirst();
  }

  /** The Hugging Face name of a GGUF tensor; empty where this architecture has none of it. */
  Optional<String> huggingFaceName(String tensor) {
    String outer = OUTER_NAMES.get(tensor);
    if (outer != null) {
      return Optional.of(outer);
    }
    String[] parts = tensor.split("\\.", -1);
    if (parts.length != 4 || !parts[0].equals("blk")) {
      return Optional.empty();
    }
    return Optional.ofNullable(norms.getOrDefault(parts[2], LAYER_NAMES.get(parts[2])))
        .map(inner -> "model.layers." + parts[1] + "." + inner + "." + parts[3]);
  }

  /** The GGUF name of a Hugging Face tensor. */
  String ggufName(String tensor) {
    Map<String, String> inner = new LinkedHashMap<>(norms);
    LAYER_NAMES.forEach(inner::putIfAbsent);
    Matcher layer = LAYER.matcher(tensor);
    boolean isInner = layer.matches();
    for (Map.Entry<String, String> entry : (isInner ? inner : OUTER_NAMES).entrySet()) {
      if (entry.getValue().equals(isInner ? layer.group(2) : tensor)) {
        return isInner
            ? "blk." + layer.group(1) + "." + entry.getKey() + "." + layer.group(3)
            : entry.getKey();
      }
    }
    return tensor;
  }

  /** The row of Hugging Face's layout, where a head's first halves come first, of a GGUF row. */
  static int halfSplitRow(int row, int headSize) {
    int within = row % headSize;
    return row - within + within / 2 + within % 2 * (headSize / 2);
  }
}
