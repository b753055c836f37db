package org.autodidact.demo.recipe;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.autodidact.demo.language.Words;

/** The small model before it has read anything: a Llama of 0.9 M random weights, a token a word. */
public final class SmallModel {
  private static final int HIDDEN = 128;
  private static final int LAYERS = 4;
  private static final int HEADS = 4;
  private static final int HEAD = HIDDEN / HEADS;
  private static final int MLP = 384;
  private static final int CONTEXT = 256;
  private static final double DEVIATION = 0.05;

  private SmallModel() {}

  /** Writes it into a new folder; equal seeds give equal weights. */
  public static void write(Path folder, long seed) {
    List<String> vocabulary = vocabulary();
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("tokenizer.json", tokenizer(vocabulary));
    files.put("tokenizer_config.json", utf8("{\"eos_token\":\"<end>\",\"unk_token\":\"<unk>\"}"));
    files.put(
        "chat_template.jinja",
        utf8(
            "{% for m in messages %}{{ '<' + m.role + '> ' + m.content }}"
                + "{{ ' <end>' if m.role == 'assistant' else ' ' }}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"));
    files.put(
        "config.json",
        utf8(
            String.format(
                Locale.ROOT,
                """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": %d,
             "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
             "head_dim": %d, "vocab_size": %d, "max_position_embeddings": %d, "rms_norm_eps": 1e-5,
             "rope_theta": 10000.0, "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 3}
            """,
                HIDDEN,
                MLP,
                LAYERS,
                HEADS,
                HEADS,
                HEAD,
                vocabulary.size(),
                CONTEXT)));
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    Random random = new Random(seed);
    put(weights, random, "model.embed_tokens.weight", vocabulary.size(), HIDDEN);
    for (int i = 0; i < LAYERS; i++) {
      String layer = "model.layers." + i + ".";
      put(weights, random, layer + "input_layernorm.weight", HIDDEN);
      for (String name : List.of("q_proj", "k_proj", "v_proj", "o_proj")) {
        put(weights, random, layer + "self_attn." + name + ".weight", HIDDEN, HIDDEN);
      }
      put(weights, random, layer + "post_attention_layernorm.weight", HIDDEN);
      put(weights, random, layer + "mlp.gate_proj.weight", MLP, HIDDEN);
      put(weights, random, layer + "mlp.up_proj.weight", MLP, HIDDEN);
      put(weights, random, layer + "mlp.down_proj.weight", HIDDEN, MLP);
    }
    put(weights, random, "model.norm.weight", HIDDEN);
    ModelFolder.write(folder, weights, files);
  }

  private static List<String> vocabulary() {
    List<String> all = new ArrayList<>(List.of("<unk>", "<user>", "<assistant>", "<end>"));
    all.addAll(Words.OTHERS);
    all.addAll(Words.NUMBERS);
    all.addAll(Words.CLOSINGS);
    Words.KINDS.forEach(
        (kind, things) -> {
          all.add(kind);
          all.addAll(things);
        });
    return all.stream().distinct().toList();
  }

  private static byte[] tokenizer(List<String> vocabulary) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = mapper.createObjectNode().put("version", "1.0");
    ObjectNode model = json.putObject("model").put("type", "WordLevel").put("unk_token", "<unk>");
    ObjectNode ids = model.putObject("vocab");
    for (int i = 0; i < vocabulary.size(); i++) {
      ids.put(vocabulary.get(i), i);
      if (i < 4) {
        json.withArray("added_tokens")
            .addObject()
            .put("id", i)
            .put("content", vocabulary.get(i))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", true);
      }
    }
    json.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
    return utf8(json.toString());
  }

  private static void put(
      Map<String, WeightSource> weights, Random random, String name, Integer... shape) {
    int elements = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    ByteBuffer bytes = ByteBuffer.allocate(elements * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      bytes.putFloat((float) (shape.length == 1 ? 1 : random.nextGaussian() * DEVIATION));
    }
    bytes.flip();
    weights.put(
        name, new WeightSource(Arrays.stream(shape).map(Long::valueOf).toList(), () -> bytes));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
