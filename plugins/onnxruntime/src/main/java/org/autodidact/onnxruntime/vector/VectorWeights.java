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
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.vectors.VectorSupport;

/**
 * A checkpoint in 8 bits whose products are ONNX Runtime's, each cut into columns for the threads
 * of a team, and all between them the JVM's own vectors: attention over a cache of 8 bits, and
 * norms, gates and roundings in one pass each ({@link VectorSession}).
 */
public final class VectorWeights implements AutoCloseable {
  private final ModelConfig config;
  private final Int8Weights weights;
  private final OrtEnvironment environment;
  private final int threads;
  private final float[] cosines;
  private final float[] sines;
  private final List<Product> products = new ArrayList<>();
  private final List<Layer> layers = new ArrayList<>();
  private final Product head;

  /**
   * A product, cut into columns.
   *
   * @param centre [inputs], to be taken from inputs before they are rounded, or empty
   * @param bias [outputs], or empty
   */
  record Product(List<Int8MatMulShard> parts, float[] centre, float[] bias) {}

  /** The products of a layer. */
  record Layer(
      Product queriesKeysValues, Product attentionOutput, Product gateAndUp, Product down) {}

  /**
   * {@code weights} must outlive this, which takes the bytes of their matrices.
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
            new Layer(product("qkv." + i), product("o." + i), gateAndUp(i), product("down." + i)));
      }
      this.head = product(Int8Weights.HEAD);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** What the vectors compute where the JVM has them; other models take graphs. */
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut(
          "int8 by the JVM's vectors",
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

  /** Whether this JVM has vectors, and the model nothing that is not written for them. */
  public static boolean supports(ModelConfig config) {
    return VectorSupport.available() && CAPABILITIES.supports(config);
  }

  private Product product(String name) {
    Product made = product(weights.matrix(name));
    weights.free(name);
    return made;
  }

  /** One product: each call of ONNX Runtime takes some 15 microseconds beside its work. */
  private Product gateAndUp(int layer) {
    String gate = "gate." + layer;
    String up = "up." + layer;
    Int8Weights.Matrix both = weights.matrix(gate).beside(weights.matrix(up));
    weights.free(gate);
    weights.free(up);
    try {
      return product(both);
    } finally {
      both.values().close();
    }
  }

  private Product product(Int8Weights.Matrix matrix) {
    weights.opening().throwIfCancelled();
    Product made =
        new Product(
            Int8MatMulShard.parts(environment, matrix, threads), matrix.centre(), matrix.bias());
    products.add(made);
    return made;
  }

  ModelConfig config() {
    return config;
  }

  OrtEnvironment environment() {
    return environment;
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  /** Gives logits. */
  Product head() {
    return head;
  }

  /** [V, hidden]. */
  FloatBuffer embedding() {
    return weights.embedding();
  }

  /** [positions, head size / 2]. */
  float[] cosines() {
    return cosines;
  }

  /** [positions, head size / 2]. */
  float[] sines() {
    return sines;
  }

  @Override
  public void close() {
    products.forEach(product -> product.parts().forEach(Int8MatMulShard::close));
  }
}
