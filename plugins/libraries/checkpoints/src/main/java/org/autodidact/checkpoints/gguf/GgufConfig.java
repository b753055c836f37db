package org.autodidact.checkpoints.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * config.json from GGUF's metadata, with the defaults of llama.cpp (llama-model.cpp, load_hparams).
 * What changes a model and cannot be expressed is refused by its key.
 */
final class GgufConfig {
  /** The largest Gemma 3, which scales its queries by another width than its heads'. */
  private static final int LAYERS_OF_GEMMA_27B = 62;

  private static final int GEMMA_PATTERN = 6;

  /** Numbers of the architecture's own that must be absent or one of those that change nothing. */
  private static final Map<String, List<Double>> NEUTRAL =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("expert_count", List.of(0.0)),
              Map.entry("expert_used_count", List.of(0.0)),
              Map.entry("expert_shared_count", List.of(0.0)),
              Map.entry("nextn_predict_layers", List.of(0.0)),
              Map.entry("pooling_type", List.of(0.0)),
              Map.entry("logit_scale", List.of(0.0, 1.0)),
              Map.entry("residual_scale", List.of(0.0, 1.0)),
              Map.entry("embedding_scale", List.of(0.0, 1.0)),
              Map.entry("attention.scale", List.of(0.0)),
              Map.entry("attention.output_scale", List.of(0.0, 1.0)),
              Map.entry("attention.clamp_kqv", List.of(0.0)),
              Map.entry("attention.max_alibi_bias", List.of(0.0)),
              Map.entry("attention.temperature_scale", List.of(0.0)),
              Map.entry("attn_logit_softcapping", List.of(0.0)),
              Map.entry("final_logit_softcapping", List.of(0.0)),
              Map.entry("rope.scaling.attn_factor", List.of(0.0, 1.0)),
              Map.entry("rope.scaling.alpha", List.of(0.0))));

  /** Granite's multipliers and their keys in config.json; 1 where a file leaves one out. */
  static final Map<String, String> GRANITE =
      Map.of(
          "embedding_scale", "embedding_multiplier",
          "residual_scale", "residual_multiplier",
          "attention.scale", "attention_multiplier",
          "logit_scale", "logits_scaling");

  private final GgufFile file;
  private final GgufArchitecture architecture;
  private final int layers;

  GgufConfig(GgufFile file, GgufArchitecture architecture) {
    this.file = file;
    this.architecture = architecture;
    this.layers = number("block_count");
  }

  ObjectNode json() {
    ObjectNode config = JsonFiles.MAPPER.createObjectNode();
    config.putArray("architectures").add(architecture.modelClass());
    config.put("model_type", architecture.modelType());
    int heads = number("attention.head_count");
    int hidden = number("embedding_length");
    int headSize = optional("attention.key_length").orElse(hidden / heads);
    refuseWhatIsNotExpressed(headSize);
    config.put("hidden_size", hidden);
    config.put("intermediate_size", number("feed_forward_length"));
    config.put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", optional("attention.head_count_kv").orElse(heads));
    config.put("head_dim", headSize);
    config.put("max_position_embeddings", number("context_length"));
    config.put(
        "rms_norm_eps",
        file.real(key("attention.layer_norm_rms_epsilon"))
            .orElseThrow(() -> missing("attention.layer_norm_rms_epsilon")));
    if (architecture.modelType().equals("gemma3_text")) {
      putGemma(config, hidden / heads, headSize);
    } else {
      config.put("hidden_act", "silu");
      refuseWindow();
    }
    if (isGranite()) {
      GRANITE.forEach(
          (key, name) ->
              config.put(
                  name,
                  file.real(key(key))
                      .filter(v -> v != 0)
                      .orElse(key.equals("attention.scale") ? 1 / Math.sqrt(headSize) : 1)));
    }
    config.put("rope_theta", file.real(key("rope.freq_base")).orElse(10000.0));
    putScaling(config);
    GgufFile.Entry embedding = file.tensors().get("token_embd.weight");
    if (embedding == null || embedding.shape().size() != 2) {
      throw file.bad("the tensor 'token_embd.weight' with two dimensions", "none of that kind");
    }
    config.put("vocab_size", embedding.shape().get(0));
    config.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
    config.put("attention_bias", has(".attn_q.bias"));
    config.put("mlp_bias", has(".ffn_gate.bias"));
    config.put("torch_dtype", "float32");
    config.put("dtype", "float32");
    return config;
  }

  private boolean isGranite() {
    return architecture.name().equals("granite");
  }

  private boolean has(String suffix) {
    return file.tensors().keySet().stream().anyMatch(name -> name.endsWith(suffix));
  }

  private void refuseWhatIsNotExpressed(int headSize) {
    NEUTRAL.entrySet().stream()
        .filter(entry -> !isGranite() || !GRANITE.containsKey(entry.getKey()))
        .forEach(
            entry -> {
              String key = entry.getKey();
              file.value(key(key))
                  .filter(
                      v -> !(v instanceof Number n) || !entry.getValue().contains(n.doubleValue()))
                  .ifPresent(
                      value -> {
                        throw unsupported(key, value, "it changes what the model computes");
                      });
            });
    for (String key : List.of("rope.dimension_count", "attention.value_length")) {
      optional(key)
          .filter(value -> value != headSize)
          .ifPresent(
              value -> {
                throw unsupported(key, value, "it must be the size of a head, " + headSize);
              });
    }
    file.value(key("attention.causal"))
        .filter(value -> !value.equals(true))
        .ifPresent(
            value -> {
              throw unsupported("attention.causal", value, "a token must not see those after it");
            });
    file.value(key("use_parallel_residual"))
        .filter(value -> !value.equals(false))
        .ifPresent(
            value -> {
              throw unsupported("use_parallel_residual", value, "it must be false");
            });
    file.value(key("rope.dimension_sections"))
        .ifPresent(
            value -> {
              throw unsupported("rope.dimension_sections", value, "positions have one dimension");
            });
    for (String table : List.of("rope_freqs.weight", "rope_factors_long.weight")) {
      if (file.tensors().keySet().stream().anyMatch(name -> name.endsWith(table))) {
        throw new UnsupportedModelException(
            file.path()
                + ": its rotary frequencies are scaled by a table (Llama 3.1 and later), which the"
                + " import cannot express; take the model as a Hugging Face folder");
      }
    }
  }

  /** llama.cpp passes it by for these architectures; where it binds, the model had one. */
  private void refuseWindow() {
    String key = "attention.sliding_window";
    optional(key)
        .filter(window -> window < number("context_length"))
        .ifPresent(
            window -> {
              throw unsupported(key, window, "for this architecture it must not bind");
            });
  }

  /** The type is linear where none is given, and the factor may have its older name. */
  private void putScaling(ObjectNode config) {
    String type = file.text(key("rope.scaling.type")).orElse("linear");
    if (type.equals("none")) {
      return;
    }
    if (!type.equals("linear")) {
      throw unsupported("rope.scaling.type", type, "there are: none, linear");
    }
    double factor =
        file.real(key("rope.scaling.factor"))
            .or(() -> file.real(key("rope.scale_linear")))
            .orElse(0.0);
    if (factor != 0 && factor != 1) {
      config.putObject("rope_scaling").put("rope_type", type).put("factor", factor);
    }
  }

  /** What GGUF leaves to its readers: see llama.cpp's llm_build_gemma3 and its parameters. */
  private void putGemma(ObjectNode config, int widthOfHeads, int headSize) {
    config.put("hidden_activation", "gelu_pytorch_tanh");
    config.put("query_pre_attn_scalar", layers == LAYERS_OF_GEMMA_27B ? widthOfHeads : headSize);
    config.put("sliding_window", number("attention.sliding_window"));
    config.put("rope_local_base_freq", file.real(key("rope.freq_base_swa")).orElse(10000.0));
    int pattern = optional("attention.sliding_window_pattern").orElse(GEMMA_PATTERN);
    ArrayNode types = config.putArray("layer_types");
    // More layers than any model has are refused when the configuration is read.
    for (int layer = 1; layer <= Math.min(layers, file.tensors().size()); layer++) {
      types.add(layer % pattern == 0 ? "full_attention" : "sliding_attention");
    }
  }

  /** A key of the architecture's own. */
  private String key(String key) {
    return file.text("general.architecture").orElse("none") + "." + key;
  }

  /** A number above 0, or a list of it, one for each layer. */
  private Optional<Integer> optional(String key) {
    return file.value(key(key)).map(value -> positive(key, sameInAllLayers(key, value)));
  }

  private Object sameInAllLayers(String key, Object value) {
    if (!(value instanceof List<?> list)) {
      return value;
    }
    if (list.isEmpty() || (layers > 0 && list.size() != layers)) {
      throw file.bad(
          "'" + key(key) + "' with a number for each of " + layers + " layers",
          list.size() + " numbers");
    }
    if (list.stream().distinct().count() > 1) {
      throw unsupported(key, list, "it must be the same in all layers");
    }
    return list.get(0);
  }

  private int positive(String key, Object value) {
    if (!(value instanceof Long number) || number <= 0 || number > Integer.MAX_VALUE) {
      throw file.bad("'" + key(key) + "' above 0", JsonFiles.cut(value.toString()));
    }
    return number.intValue();
  }

  private int number(String key) {
    return optional(key).orElseThrow(() -> missing(key));
  }

  private UnsupportedModelException unsupported(String key, Object value, String wanted) {
    return new UnsupportedModelException(
        file.path()
            + ": '"
            + key(key)
            + "' "
            + JsonFiles.cut(value.toString())
            + " is not supported; "
            + wanted
            + ". Take the model as a Hugging Face folder");
  }

  private InvalidInputException missing(String key) {
    return file.bad("the metadata '" + key(key) + "'", "nothing; the file is not complete");
  }
}
