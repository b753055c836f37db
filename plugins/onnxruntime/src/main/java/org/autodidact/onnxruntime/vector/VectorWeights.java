package org.autodidact.onnxruntime.vector;

import ai.onnxruntime.OrtEnvironment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.Rope;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.quantization.Int8Matrix;
import org.autodidact.onnxruntime.quantization.Int8Weights;
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

  private final ModelConfig config;
  private final Int8Weights weights;
  private final OrtEnvironment environment;
  private final int threads;
  private final float[] cosines;
  private final float[] sines;
  private final List<ShardedMatMul> matMuls = new ArrayList<>();
  private final List<LayerMatMuls> layers = new ArrayList<>();
  private final ShardedMatMul lmHead;

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
   * {@code weights} must outlive this, which copies and frees the bytes of their matrices.
   *
   * @param positions tokens of the longest sequence
   */
  public VectorWeights(ModelConfig config, Int8Weights weights, int threads, int positions) {
    this.config = config;
    this.weights = weights;
    this.threads = threads;
    this.environment = OrtRuntime.environment();
    ModelConfig.RopeSettings rope = config.attention().get(0).rope();
    this.cosines = Rope.cosines(config.headSize(), rope, positions);
    this.sines = Rope.sines(config.headSize(), rope, positions);
    try {
      for (int i = 0; i < config.layers(); i++) {
        layers.add(
            new LayerMatMuls(
                matMul("qkv." + i), matMul("o." + i), gateAndUp(i), matMul("down." + i)));
      }
      this.lmHead = matMul(Int8Weights.HEAD);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Whether this JVM has the Vector API, and the model only features that are written for it. */
  public static boolean supports(ModelConfig config) {
    return VectorSupport.available() && CAPABILITIES.supports(config);
  }

  private ShardedMatMul matMul(String name) {
    ShardedMatMul made = matMul(weights.matrix(name));
    weights.free(name);
    return made;
  }

  /** Gate and up as one product: each call of ONNX Runtime costs some 15 microseconds. */
  private ShardedMatMul gateAndUp(int layer) {
    String gate = "gate." + layer;
    String up = "up." + layer;
    Int8Matrix both = weights.matrix(gate).concat(weights.matrix(up));
    weights.free(gate);
    weights.free(up);
    try {
      return matMul(both);
    } finally {
      both.values().close();
    }
  }

  private ShardedMatMul matMul(Int8Matrix matrix) {
    weights.opening().throwIfCancelled();
    ShardedMatMul made =
        new ShardedMatMul(
            Int8MatMulShard.shards(environment, matrix, threads),
            matrix.inputMean(),
            matrix.bias());
    matMuls.add(made);
    return made;
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
    return lmHead;
  }

  /** The rotated embedding, [V, hidden]. */
  FloatBuffer embedding() {
    return weights.embedding();
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
    matMuls.forEach(matMul -> matMul.shards().forEach(Int8MatMulShard::close));
  }
}
