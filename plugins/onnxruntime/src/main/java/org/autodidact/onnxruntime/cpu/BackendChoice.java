package org.autodidact.onnxruntime.cpu;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.CacheBudget;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.graph.FloatKvCache;
import org.autodidact.onnxruntime.graph.GraphBackend;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Calibration;
import org.autodidact.onnxruntime.quantization.Int8Cache;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Quantizer;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;
import org.autodidact.onnxruntime.vector.Int8KvCache;
import org.autodidact.onnxruntime.vector.KernelWarmUp;
import org.autodidact.onnxruntime.vector.VectorBackend;
import org.autodidact.onnxruntime.vector.VectorWeights;
import org.autodidact.vectors.VectorSupport;

/**
 * The backend chosen by precision and model, with its weights. In int8 {@link VectorBackend} where
 * the JVM has the Vector API and the model no feature that it lacks; else, and in float32, {@link
 * GraphBackend}.
 *
 * @param quantized the weights that the backend reads and does not own
 * @param isQuantized whether it computes with quantized weights
 */
record BackendChoice(
    DecoderBackend backend, Optional<QuantizedWeights> quantized, boolean isQuantized)
    implements AutoCloseable {
  /** Hidden size below which matrix products are too small for int8 to be faster (not measured). */
  private static final int MIN_INT8_HIDDEN_SIZE = 256;

  /** Positions that are always prepared: more than the texts of {@link Calibration} have. */
  private static final long MIN_POSITIONS = 4096;

  private static final System.Logger LOGGER = System.getLogger(BackendChoice.class.getName());

  /** Begins to load what quantized weights are computed by. */
  static CompletableFuture<Void> load(ComputeSettings settings) {
    if (settings.precision().equals(ComputeSettings.Precision.FP32)) {
      return CompletableFuture.completedFuture(null);
    }
    return CompletableFuture.runAsync(
        () -> {
          Int8MatMulCheck.isExact();
          if (VectorSupport.available()) {
            VectorSupport.lanes();
          }
        });
  }

  /** Then has the JVM compile what the model in {@code folder} is computed by. */
  static CompletableFuture<Void> warmUp(
      CompletableFuture<Void> loading, ComputeSettings settings, Path folder) {
    if (settings.precision().equals(ComputeSettings.Precision.FP32)) {
      return loading;
    }
    return loading.thenRunAsync(
        () -> {
          ModelConfig config = ConfigReader.read(folder);
          if (usesInt8(settings.precision(), config) && VectorWeights.supports(config)) {
            KernelWarmUp.once(config);
          }
        });
  }

  /**
   * Loads the model's weights.
   *
   * @param alwaysSharesPrefixes in float32, too
   * @param allowVectors whether {@link VectorBackend} may be chosen
   */
  static BackendChoice open(
      ModelFolder model,
      ComputeSettings settings,
      boolean alwaysSharesPrefixes,
      boolean allowVectors,
      Cancellation cancellation) {
    int threads = settings.effectiveThreads();
    int positions = positions(model.config(), settings);
    Optional<QuantizedWeights> quantized = Optional.empty();
    try {
      if (settings.precision().equals(ComputeSettings.Precision.INT8_WEIGHTS)) {
        quantized = Optional.of(BlockInt8Weights.of(model, cancellation));
      } else if (usesInt8(settings.precision(), model)) {
        Int8Weights.CAPABILITIES.require(model.path(), model.config(), "; use fp32");
        boolean exact = Int8MatMulCheck.isExact();
        Int8Quantizer nearest = new Int8Quantizer(model, exact, cancellation);
        if (!VectorSupport.available()) {
          LOGGER.log(
              System.Logger.Level.WARNING,
              "{0}: int8 is computed without the JVM''s Vector API, more slowly and in another order:"
                  + " a seed gives other texts than with java --add-modules jdk.incubator.vector",
              model.path());
        }
        if (allowVectors && VectorWeights.supports(model.config())) {
          return new BackendChoice(
              Int8Cache.ofUser()
                  .open(
                      model,
                      exact,
                      true,
                      cancellation,
                      () ->
                          nearest.calibrated(
                              VectorBackend.calibrate(model, nearest, threads, positions)),
                      source -> new VectorBackend(model.config(), source, threads, positions)),
              Optional.empty(),
              true);
        }
        quantized =
            Optional.of(
                Int8Cache.ofUser()
                    .open(
                        model,
                        exact,
                        false,
                        cancellation,
                        () -> nearest,
                        source -> Int8Weights.of(model, source, threads)));
      }
      cancellation.throwIfCancelled();
      boolean shares =
          alwaysSharesPrefixes
              || quantized.isPresent() && DecoderGraph.PREFIX_SHARING.supports(model.config());
      return new BackendChoice(
          new GraphBackend(model, quantized, threads, shares, positions),
          quantized,
          quantized.isPresent());
    } catch (RuntimeException | Error e) {
      quantized.ifPresent(QuantizedWeights::close);
      throw e;
    }
  }

  /** Automatic precision is int8 where the model is large enough to gain by it. */
  private static boolean usesInt8(ComputeSettings.Precision precision, ModelFolder model) {
    if (wantsInt8(precision, model.config())
        && !Int8Weights.CAPABILITIES.supports(model.config())) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "{0}: precision auto is float32 here; {1}",
          model.path(),
          Int8Weights.CAPABILITIES.verdict(model.config()));
    }
    return usesInt8(precision, model.config());
  }

  private static boolean usesInt8(ComputeSettings.Precision precision, ModelConfig config) {
    return precision.equals(ComputeSettings.Precision.INT8)
        || wantsInt8(precision, config) && Int8Weights.CAPABILITIES.supports(config);
  }

  /** Whether automatic precision would be int8. */
  private static boolean wantsInt8(ComputeSettings.Precision precision, ModelConfig config) {
    return precision.equals(ComputeSettings.Precision.AUTO)
        && config.hiddenSize() >= MIN_INT8_HIDDEN_SIZE;
  }

  /**
   * Tokens of the longest sequence that context and memory budget hold, so that the tables of
   * positions are no longer than that, whatever context length a model claims.
   */
  private static int positions(ModelConfig config, ComputeSettings settings) {
    long perToken = Math.min(FloatKvCache.bytesPerToken(config), Int8KvCache.bytesPerToken(config));
    long affordable = CacheBudget.requested(settings, CacheBudget.DEFAULT_BYTES) / perToken;
    return (int) Math.min(config.contextLength(), Math.max(MIN_POSITIONS, affordable));
  }

  @Override
  public void close() {
    try {
      backend.close();
    } finally {
      quantized.ifPresent(QuantizedWeights::close);
    }
  }
}
