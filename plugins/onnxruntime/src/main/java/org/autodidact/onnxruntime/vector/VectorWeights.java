package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OrtEnvironment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.Rope;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.quantization.Int8Matrix;
import org.autodidact.onnxruntime.quantization.Int8Source;
import org.autodidact.onnxruntime.quantization.OpeningThreads;
import org.autodidact.onnxruntime.quantization.RotatedEmbedding;
import org.autodidact.vectors.VectorSupport;

/**
 * A checkpoint's int8 weights as matrix matMuls of ONNX Runtime, each cut into column shards for
 * the threads of a team. What is between the matMuls is computed with the JVM's Vector API ({@link
 * VectorSession}).
 */
public final class VectorWeights implements AutoCloseable {
  /** What the SIMD kernels compute; other models take graphs. */
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut(
          "int8 with the Vector API",
          ModelFeature.QUERY_KEY_NORM,
          ModelFeature.SUBLAYER_NORM,
          ModelFeature.EMBEDDING_SCALE,
          ModelFeature.RESIDUAL_SCALE,
          ModelFeature.LOGIT_SCALE,
          ModelFeature.GELU,
          ModelFeature.SLIDING_WINDOW,
          ModelFeature.SECOND_ROPE_BASE,
          ModelFeature.NO_ROPE_LAYERS,
          ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.HEAD_SIZE_NOT_POWER_OF_TWO,
          ModelFeature.HEAD_SIZE_BELOW_64,
          ModelFeature.HIDDEN_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.INTERMEDIATE_SIZE_NOT_MULTIPLE_OF_32);

  /** Gate and up as one product: each call of ONNX Runtime costs some 15 microseconds. */
  private static final String GATE_AND_UP = "gate-up.";

  private final ModelConfig config;
  private final OrtEnvironment environment;
  private final float[] cosines;
  private final float[] sines;
  private final RotatedEmbedding embedding;
  private final Map<String, ShardedMatMul> matMuls = new ConcurrentHashMap<>();
  private final List<LayerMatMuls> layers = new ArrayList<>();

  /**
   * A projection cut into column shards.
   *
   * @param inputMean [inputs], to be subtracted from inputs before they are quantized, or empty
   * @param bias [outputs], or empty
   */
  record ShardedMatMul(List<Int8MatMulShard> shards, float[] inputMean, float[] bias) {}

  /** The projections of a layer. */
  record LayerMatMuls(
      ShardedMatMul qkv, ShardedMatMul oProj, ShardedMatMul gateUp, ShardedMatMul downProj) {}

  /**
   * Takes all matrices of a source, one for each thread at a time.
   *
   * @param positions tokens of the longest sequence
   */
  public VectorWeights(ModelConfig config, Int8Source source, int threads, int positions) {
    this.config = config;
    this.environment = OrtRuntime.environment();
    this.embedding = source.embedding();
    ModelConfig.RopeSettings rope = config.attention().get(0).rope();
    this.cosines = Rope.cosines(config.headSize(), rope, positions);
    this.sines = Rope.sines(config.headSize(), rope, positions);
    try (Staging staging = new Staging()) {
      OpeningThreads.forEach(
          names(config),
          threads,
          name -> matMuls.put(name, matMul(source, matrices(name), threads, staging)));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new LayerMatMuls(
              matMuls.get("qkv." + i),
              matMuls.get("o." + i),
              matMuls.get(GATE_AND_UP + i),
              matMuls.get("down." + i)));
    }
  }

  /** Whether this JVM has the Vector API, and the model only features that are written for it. */
  public static boolean supports(ModelConfig config) {
    return VectorSupport.available() && CAPABILITIES.supports(config);
  }

  /** The products, the largest first. */
  private static List<String> names(ModelConfig config) {
    List<String> names = new ArrayList<>(List.of(Int8Source.HEAD));
    for (int i = 0; i < config.layers(); i++) {
      names.addAll(List.of("qkv." + i, "o." + i, GATE_AND_UP + i, "down." + i));
    }
    return names;
  }

  /** The matrices of a product, side by side. */
  private static List<String> matrices(String name) {
    if (!name.startsWith(GATE_AND_UP)) {
      return List.of(name);
    }
    String layer = name.substring(GATE_AND_UP.length());
    return List.of("gate." + layer, "up." + layer);
  }

  private ShardedMatMul matMul(
      Int8Source source, List<String> names, int threads, Staging staging) {
    List<Int8Matrix> matrices = new ArrayList<>();
    try {
      for (String name : names) {
        matrices.add(source.take(name));
      }
      source.opening().throwIfCancelled();
      return new ShardedMatMul(
          Int8MatMulShard.shards(environment, matrices, threads, staging),
          matrices.get(0).inputMean(),
          Int8Matrix.concat(matrices.stream().map(Int8Matrix::bias).toArray(float[][]::new)));
    } finally {
      matrices.forEach(matrix -> matrix.values().close());
    }
  }

  ModelConfig config() {
    return config;
  }

  OrtEnvironment environment() {
    return environment;
  }

  LayerMatMuls layer(int index) {
    return layers.get(index);
  }

  /** The logits' projection. */
  ShardedMatMul lmHead() {
    return matMuls.get(Int8Source.HEAD);
  }

  RotatedEmbedding embedding() {
    return embedding;
  }

  /** Cosines of the rotary angles, [positions, head size / 2]. */
  float[] cosines() {
    return cosines;
  }

  /** Sines of the rotary angles, [positions, head size / 2]. */
  float[] sines() {
    return sines;
  }

  @Override
  public void close() {
    matMuls.values().forEach(matMul -> matMul.shards().forEach(Int8MatMulShard::close));
  }
}
