package org.autodidact.gpu.decode;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.gpu.ort.ElementType;

/**
 * The shapes that TensorRT builds an engine for: its optimization profile, as ONNX Runtime writes
 * it, {@code input:1x2,…}. What is beyond goes to CUDA. Nothing here is measured.
 *
 * @param optimal the shapes that the engine is fastest for
 */
record EngineShapes(String min, String optimal, String max) {
  /** Texts of a prefill. */
  static final int MAX_TEXTS = 8;

  private static final int OPTIMAL_TOKENS = 512;
  private static final int OPTIMAL_SLOTS = 64;

  /** Tokens of a text. */
  static int longest(ModelConfig config) {
    return Math.min(2048, config.contextLength());
  }

  /** Shapes of {@link org.autodidact.gpu.graph.StepLayersGraph}. */
  static EngineShapes step(ModelConfig config, int slots) {
    int tokens = config.contextLength();
    return new EngineShapes(
        step(config, 1, 2),
        step(config, Math.min(OPTIMAL_SLOTS, slots), Math.min(OPTIMAL_TOKENS, tokens)),
        step(config, slots, tokens));
  }

  private static String step(ModelConfig config, int slots, int tokens) {
    StringJoiner shapes = new StringJoiner(",");
    shapes.add("state:6x" + slots);
    for (int layer = 0; layer < config.layers(); layer++) {
      String cache = slots + "x" + config.keyValueHeads() + "x" + tokens + "x" + config.headSize();
      shapes.add("past." + layer + ".key:" + cache);
      shapes.add("past." + layer + ".value:" + cache);
    }
    return shapes.toString();
  }

  /** Shapes of {@link org.autodidact.gpu.graph.PrefillGraph} by plain operators. */
  static EngineShapes prefill(ModelConfig config, PrefillPass.Limits limits, boolean scores) {
    int longest = longest(config);
    int optimal = Math.min(OPTIMAL_TOKENS, longest);
    int most = limits.rows();
    int wanted = limits.wanted();
    return new EngineShapes(
        prefill(config, 1, 1, 1, 0) + (scores ? scored(1, 1) : ""),
        prefill(config, Math.min(1024, most), 4, optimal, Math.min(256, most / 2))
            + (scores ? scored(Math.min(8, wanted), Math.min(48, wanted)) : ""),
        prefill(config, most, MAX_TEXTS, longest, most / 2)
            + (scores ? scored(wanted, wanted) : ""));
  }

  private static String prefill(ModelConfig config, int rows, int texts, int tokens, int kept) {
    StringJoiner shapes = new StringJoiner(",");
    shapes.add("input_ids:" + rows).add("places:" + rows);
    shapes.add("sequences:" + texts + "x" + tokens);
    int width = (config.heads() + 2 * config.keyValueHeads()) * config.headSize();
    for (int layer = 0; layer < config.layers(); layer++) {
      shapes.add("kept." + layer + ":" + kept + "x" + width);
    }
    return shapes.toString();
  }

  private static String scored(int rows, int targets) {
    return ",rows:" + rows + ",targets:" + targets + "x2";
  }

  /** Names the engine of a graph; weights are inputs, so that a key is an architecture's. */
  String key(byte[] graph) {
    MessageDigest digest = Sha256.digest();
    digest.update(graph);
    digest.update(toString().getBytes(StandardCharsets.UTF_8));
    return Sha256.text(digest).substring(0, 32);
  }

  /**
   * Options of TensorRT's execution provider.
   *
   * @param captures whether runs are captured as CUDA graphs
   */
  Map<String, String> settings(Path engines, ElementType type, boolean captures) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("device_id", "0");
    settings.put("trt_fp16_enable", type == ElementType.FLOAT16 ? "1" : "0");
    settings.put("trt_bf16_enable", type == ElementType.BFLOAT16 ? "1" : "0");
    settings.put("trt_engine_cache_enable", "1");
    settings.put("trt_engine_cache_path", engines.toString());
    settings.put("trt_timing_cache_enable", "1");
    settings.put("trt_timing_cache_path", engines.toString());
    settings.put("trt_cuda_graph_enable", captures ? "1" : "0");
    settings.put("trt_profile_min_shapes", min);
    settings.put("trt_profile_opt_shapes", optimal);
    settings.put("trt_profile_max_shapes", max);
    return settings;
  }
}
