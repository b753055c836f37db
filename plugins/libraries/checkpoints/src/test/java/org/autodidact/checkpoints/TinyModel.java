package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.WeightSource;

/** Writes a small Llama of random weights with a byte-level tokenizer, for tests. */
public final class TinyModel {
  private static final int HIDDEN = 32;
  private static final int LAYERS = 2;
  private static final int HEADS = 2;
  private static final int KV_HEADS = 1;
  private static final int HEAD = 16;
  private static final int MLP = 64;
  private static final int CONTEXT = 1024;

  private TinyModel() {}

  /** A new folder of that name, the same for equal seeds. */
  public static Path write(Path folder, long seed) {
    return write(folder, seed, HEAD);
  }

  /** The same, with heads of {@code head} numbers. */
  public static Path write(Path folder, long seed, int head) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    ObjectNode tokenizer = tokenizer();
    int vocabulary = tokenizer.path("model").path("vocab").size();
    files.put("tokenizer.json", JsonFiles.bytes(tokenizer));
    files.put(
        "tokenizer_config.json",
        utf8("{\"bos_token\":\"<|im_start|>\",\"eos_token\":\"<|im_end|>\"}"));
    files.put(
        "chat_template.jinja",
        utf8(
            "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] +"
                + " '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
                + "{{ '<|im_start|>assistant\n' }}{% endif %}"));
    files.put(
        "config.json",
        utf8(
            String.format(
                    Locale.ROOT,
                    "{'architectures':['LlamaForCausalLM'],'model_type':'llama','hidden_act':'silu','hidden_size':%d,"
                        + "'intermediate_size':%d,'num_hidden_layers':%d,'num_attention_heads':%d,'num_key_value_heads':%d,"
                        + "'head_dim':%d,'vocab_size':%d,'max_position_embeddings':%d,'rms_norm_eps':1e-5,'rope_theta':10000.0,"
                        + "'tie_word_embeddings':true,'bos_token_id':1,'eos_token_id':2}",
                    HIDDEN,
                    MLP,
                    LAYERS,
                    HEADS,
                    KV_HEADS,
                    head,
                    vocabulary,
                    CONTEXT)
                .replace('\'', '"')));
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    Random random = new Random(seed);
    put(weights, random, "model.embed_tokens.weight", vocabulary, HIDDEN);
    for (int i = 0; i < LAYERS; i++) {
      String layer = "model.layers." + i + ".";
      put(weights, random, layer + "input_layernorm.weight", HIDDEN);
      put(weights, random, layer + "self_attn.q_proj.weight", HEADS * head, HIDDEN);
      put(weights, random, layer + "self_attn.k_proj.weight", KV_HEADS * head, HIDDEN);
      put(weights, random, layer + "self_attn.v_proj.weight", KV_HEADS * head, HIDDEN);
      put(weights, random, layer + "self_attn.o_proj.weight", HIDDEN, HEADS * head);
      put(weights, random, layer + "post_attention_layernorm.weight", HIDDEN);
      put(weights, random, layer + "mlp.gate_proj.weight", MLP, HIDDEN);
      put(weights, random, layer + "mlp.up_proj.weight", MLP, HIDDEN);
      put(weights, random, layer + "mlp.down_proj.weight", HIDDEN, MLP);
    }
    put(weights, random, "model.norm.weight", HIDDEN);
    ModelFolder.write(folder, weights, files);
    return folder;
  }

  private static void put(
      Map<String, WeightSource> weights, Random random, String name, int... shape) {
    int elements = 1;
    for (int d : shape) {
      elements *= d;
    }
    ByteBuffer bytes = ByteBuffer.allocate(elements * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      bytes.putFloat((float) (shape.length == 1 ? 1 : random.nextGaussian() * 0.3));
    }
    List<Long> dimensions = java.util.Arrays.stream(shape).mapToObj(Long::valueOf).toList();
    weights.put(name, new WeightSource(dimensions, () -> bytes.flip()));
  }

  /** One token a byte, in GPT-2's alphabet, after three special ones. */
  private static ObjectNode tokenizer() {
    ObjectNode json = JsonFiles.object(utf8("{\"version\":\"1.0\"}"), "tiny");
    ObjectNode model = json.putObject("model");
    model.put("type", "BPE");
    ObjectNode vocabulary = model.putObject("vocab");
    model.putArray("merges");
    int id = 0;
    for (String special : List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>")) {
      json.withArray("added_tokens")
          .addObject()
          .put("id", id)
          .put("content", special)
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
      vocabulary.put(special, id++);
    }
    int unprintable = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      vocabulary.put(Character.toString(printable ? b : unprintable++), id++);
    }
    for (String part : List.of("pre_tokenizer", "decoder")) {
      json.putObject(part)
          .put("type", "ByteLevel")
          .put("add_prefix_space", false)
          .put("trim_offsets", true)
          .put("use_regex", false);
    }
    return json;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** All bytes of a model's weights. */
  public static byte[] weights(Path folder) {
    try {
      return java.nio.file.Files.readAllBytes(folder.resolve("model.safetensors"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
