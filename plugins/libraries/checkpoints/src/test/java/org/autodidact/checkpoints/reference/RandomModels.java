package org.autodidact.checkpoints.reference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.DecoderWeights;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.WeightSource;

/**
 * Small checkpoints of random shape and random weights, of each architecture in turn, so that every
 * {@link org.autodidact.checkpoints.ModelFeature} comes up.
 */
public final class RandomModels {
  /** The architectures, as config.json names them. */
  public static final List<String> TYPES =
      List.of("llama", "qwen2", "qwen3", "mistral", "gemma3_text", "smollm3", "granite");

  /** Seeds that tests go through; among their models every feature comes up. */
  public static final int SEEDS = 12;

  private static final int VOCABULARY = 259;

  private RandomModels() {}

  /** A checkpoint in a new folder, the same for equal seeds. */
  public static Path write(Path folder, String type, long seed) {
    Random random = new Random(seed);
    TinyModel.write(folder, 1);
    ObjectNode json = config(type, random);
    ModelConfig config = ConfigReader.read(type, json, Optional.empty());
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    DecoderWeights.shapes(config)
        .forEach((name, shape) -> weights.put(name, weight(config, name, shape, random)));
    Path made = folder.resolveSibling(folder.getFileName() + ".weights");
    ModelFolder.write(made, weights, Map.of("config.json", JsonFiles.bytes(json)));
    try {
      for (String file : List.of("config.json", "model.safetensors")) {
        Files.delete(folder.resolve(file));
        Files.move(made.resolve(file), folder.resolve(file));
      }
      Files.delete(made);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }

  private static ObjectNode config(String type, Random random) {
    int keyValueHeads = 1 + random.nextInt(2);
    int headSize = pick(random, 8, 16, 48, 64);
    int layers = 1 + random.nextInt(4);
    ObjectNode json = JsonFiles.MAPPER.createObjectNode();
    json.put("model_type", type)
        .put("hidden_size", pick(random, 24, 64, 96, 128))
        .put("intermediate_size", pick(random, 40, 64, 96))
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", keyValueHeads * (1 + random.nextInt(3)))
        .put("num_key_value_heads", keyValueHeads)
        .put("head_dim", headSize)
        .put("vocab_size", VOCABULARY)
        .put("max_position_embeddings", 128)
        .put("rms_norm_eps", 1e-5)
        .put("tie_word_embeddings", random.nextBoolean())
        .put("bos_token_id", 1)
        .put("eos_token_id", 2);
    if (random.nextBoolean()) {
      json.put("rope_theta", pick(random, 5000, 10_000, 500_000));
    }
    switch (type) {
      case "llama" -> {
        json.put("attention_bias", random.nextBoolean()).put("mlp_bias", random.nextBoolean());
        if (random.nextBoolean()) {
          json.putObject("rope_scaling")
              .put("rope_type", "llama3")
              .put("factor", 4.0)
              .put("low_freq_factor", 1.0)
              .put("high_freq_factor", 4.0)
              .put("original_max_position_embeddings", 32);
        }
      }
      case "qwen2", "qwen3" ->
          json.put("use_sliding_window", random.nextBoolean())
              .put("sliding_window", 4 + random.nextInt(12))
              .put("max_window_layers", random.nextInt(layers + 1));
      case "mistral" -> json.put("sliding_window", 4 + random.nextInt(12));
      case "gemma3_text" ->
          json.put("sliding_window", 4 + random.nextInt(12))
              .put("sliding_window_pattern", 2)
              .put("query_pre_attn_scalar", pick(random, headSize, 24))
              .put("rope_local_base_freq", 3000.0);
      case "smollm3" -> json.put("no_rope_layer_interval", 1 + random.nextInt(3));
      case "granite" ->
          json.put("embedding_multiplier", 3.0)
              .put("residual_multiplier", 0.3)
              .put("attention_multiplier", 0.1)
              .put("logits_scaling", 2.0)
              .put("attention_bias", random.nextBoolean())
              .put("mlp_bias", random.nextBoolean());
      default -> throw new IllegalArgumentException(type);
    }
    return json;
  }

  private static int pick(Random random, int... values) {
    return values[random.nextInt(values.length)];
  }

  /** Gains near their neutral value, products that keep the size of what they are given. */
  private static WeightSource weight(
      ModelConfig config, String name, List<Long> shape, Random random) {
    int elements = shape.stream().mapToInt(Math::toIntExact).reduce(1, Math::multiplyExact);
    boolean gain = name.contains("norm");
    double mean = gain && !config.norm().gainsFromOne() ? 1 : 0;
    double deviation = gain || shape.size() == 1 ? 0.3 : 1.5 / Math.sqrt(shape.get(1));
    ByteBuffer bytes = ByteBuffer.allocate(elements * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      bytes.putFloat((float) (mean + deviation * random.nextGaussian()));
    }
    return new WeightSource(shape, () -> bytes.flip());
  }
}
