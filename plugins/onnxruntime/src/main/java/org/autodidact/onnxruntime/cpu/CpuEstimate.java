package org.autodidact.onnxruntime.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelSize;
import org.autodidact.checkpoints.files.AvailableMemory;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.graph.FloatKvCache;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.vector.Int8KvCache;
import org.autodidact.onnxruntime.vector.VectorWeights;

/**
 * What generating and judging will take on this CPU, from the model's hyperparameters and {@link
 * ProductSpeed}; how far off it was is in docs/measurements.
 */
public final class CpuEstimate {
  /** JVM, heap and ONNX Runtime: 0.28 GB beside SmolLM2, 0.42 beside 1.1 billion parameters. */
  private static final double BASE_GB = 0.35;

  /** Tokens of a judgement: a judge prompt, a question and an answer. */
  private static final int JUDGEMENT_TOKENS = 500;

  /** Seconds of a decode step that are not products, a layer (fitted to SmolLM2). */
  private static final double LAYER_SECONDS = 60e-6;

  /** Share of the time with many rows that is products (fitted to SmolLM2). */
  private static final double PRODUCTS_SHARE = 0.6;

  private CpuEstimate() {}

  /** A line for each precision that the model can be computed in; takes some seconds. */
  public static List<String> lines(ModelConfig config) {
    int threads = Runtime.getRuntime().availableProcessors();
    List<String> lines = new ArrayList<>();
    ModelSize size = ModelSize.of(config);
    if (Int8Weights.CAPABILITIES.supports(config)) {
      boolean vectors = VectorWeights.supports(config);
      double gigabytes = (size.multiplied() + (vectors ? 0 : 4 * size.embedding())) / 1e9;
      long perToken =
          vectors ? Int8KvCache.bytesPerToken(config) : FloatKvCache.bytesPerToken(config);
      lines.add(
          line("int8", config, size, gigabytes, perToken, ProductSpeed.measure(true, threads)));
    }
    if (DecoderGraph.CAPABILITIES.supports(config)) {
      double gigabytes = 4 * (size.multiplied() + size.embedding()) / 1e9;
      lines.add(
          line(
              "fp32",
              config,
              size,
              gigabytes,
              FloatKvCache.bytesPerToken(config),
              ProductSpeed.measure(false, threads)));
    }
    return lines;
  }

  private static String line(
      String precision,
      ModelConfig config,
      ModelSize size,
      double gigabytes,
      long bytesPerToken,
      ProductSpeed speed) {
    double alone = 1 / (size.multiplied() / speed.oneRow() + config.layers() * LAYER_SECONDS);
    double many = speed.manyRows() * PRODUCTS_SHARE / size.multiplied();
    return String.format(
        Locale.ROOT,
        "estimate of generating in %s: %.1f GB of memory%s and %.0f KB a token of each sequence;"
            + " %.0f tokens/s of one answer, %.0f of 64 at a time; a judgement that reads %d tokens"
            + " %.1f s",
        precision,
        gigabytes + BASE_GB,
        AvailableMemory.verdict(gigabytes + BASE_GB),
        bytesPerToken / 1e3,
        Math.min(alone, many),
        many,
        JUDGEMENT_TOKENS,
        JUDGEMENT_TOKENS / many);
  }
}
