package org.autodidact.onnxruntime.quantization;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * All of a checkpoint's int8 matrices ({@link Int8Quantizer}) and, where the residual stream is
 * rotated, its rotated embedding, as a graph reads them. Owns their memory.
 */
public final class Int8Weights implements QuantizedWeights, Int8Source {
  public static final String EMBEDDING = "rotated.embedding";

  /** Hadamard rotations need widths that a Hadamard matrix has. */
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut(
          "int8",
          ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.HEAD_SIZE_NOT_POWER_OF_TWO,
          ModelFeature.INTERMEDIATE_SIZE_NOT_MULTIPLE_OF_32,
          ModelFeature.SUBLAYER_NORM_NOT_MULTIPLE_OF_32);

  /** Inputs of {@code down_proj} that are rotated together. */
  public static final int DOWN_HADAMARD_SIZE = 32;

  private final ModelFolder model;
  private final ModelConfig config;
  private final RotatedEmbedding rows;
  private final Cancellation opening;
  private final Map<String, Int8Matrix> matrices = new ConcurrentHashMap<>();
  private NativeBuffer embedding = NativeBuffer.ofFloats(0);

  private Int8Weights(ModelFolder model, Int8Source source) {
    this.model = model;
    this.config = model.config();
    this.rows = source.embedding();
    this.opening = source.opening();
  }

  /** Rotates and quantizes a checkpoint's weights to nearest. */
  public static Int8Weights of(
      ModelFolder model, boolean exactProducts, int threads, Cancellation cancellation) {
    CAPABILITIES.require(model.path(), model.config(), "; use fp32");
    return of(model, new Int8Quantizer(model, exactProducts, cancellation), threads);
  }

  /** Takes all matrices of a source, on so many threads. */
  public static Int8Weights of(ModelFolder model, Int8Source source, int threads) {
    Int8Weights weights = new Int8Weights(model, source);
    try {
      OpeningThreads.forEach(
          Int8Source.names(model.config()),
          threads,
          name -> weights.matrices.put(name, source.take(name)));
      weights.rotateEmbedding();
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** Whether the residual stream is rotated, or else what projections read of it. */
  public static boolean rotatesResidual(ModelConfig config) {
    return Int8Quantizer.rotatesResidual(config);
  }

  /** Inputs that are rotated together where the residual stream is not. */
  public static int inputHadamardSize(ModelConfig config) {
    return Int8Quantizer.inputHadamardSize(config);
  }

  @Override
  public Cancellation opening() {
    return opening;
  }

  /** Its bytes can be taken once. */
  @Override
  public Int8Matrix take(String name) {
    opening().throwIfCancelled();
    return matrix(name);
  }

  public Int8Matrix matrix(String name) {
    return matrices.get(name);
  }

  public Map<String, Int8Matrix> matrices() {
    return matrices;
  }

  /** The checkpoint's own embedding, for graphs whose residual stream is not rotated. */
  public TensorInfo plainEmbedding() {
    return model.tensor("model.embed_tokens.weight");
  }

  @Override
  public RotatedEmbedding embedding() {
    return rows;
  }

  /**
   * The gains that the graph applies after a norm; empty where they are folded into the next
   * projection. The scale of attention scores is folded into the queries' norm, where there is one.
   */
  public float[] gain(String name) {
    boolean queries = name.endsWith("q_norm.weight");
    if (rotatesResidual(config) && !queries && !name.endsWith("k_norm.weight")) {
      return new float[0];
    }
    return queries ? scaled(gains(name)) : gains(name);
  }

  /** A norm's gains, 1 added where the checkpoint stores them without. */
  private float[] gains(String name) {
    float[] gains = model.floats(model.tensor(name));
    for (int i = 0; i < gains.length && config.norm().gainsFromOne(); i++) {
      gains[i] += 1;
    }
    return gains;
  }

  /** Folds in the scale of attention scores; without one, ONNX Runtime's attention is faster. */
  private float[] scaled(float[] gains) {
    float scale = (float) config.attentionScale();
    for (int i = 0; i < gains.length; i++) {
      gains[i] *= scale;
    }
    return gains;
  }

  private void rotateEmbedding() {
    if (!rotatesResidual(config)) {
      return;
    }
    int vocabulary = config.vocabularySize();
    int hidden = config.hiddenSize();
    embedding = NativeBuffer.ofFloats((long) vocabulary * hidden);
    FloatBuffer target = rotatedEmbedding();
    float[] row = new float[hidden];
    for (int token = 0; token < vocabulary; token++) {
      opening().throwIfCancelled();
      rows.copyRow(token, row, 0);
      target.put(row);
    }
  }

  /** The rotated embedding, [V, hidden]. */
  private FloatBuffer rotatedEmbedding() {
    return embedding.floats(0, (long) config.vocabularySize() * config.hiddenSize());
  }

  @Override
  public void addInitializers(OrtEnvironment environment, Map<String, OnnxTensor> initializers)
      throws OrtException {
    if (rotatesResidual(config)) {
      initializers.put(
          EMBEDDING,
          OnnxTensor.createTensor(
              environment,
              rotatedEmbedding(),
              new long[] {config.vocabularySize(), config.hiddenSize()}));
    }
    for (Map.Entry<String, Int8Matrix> entry : matrices.entrySet()) {
      Int8Matrix m = entry.getValue();
      initializers.put(
          entry.getKey() + ".values",
          OnnxTensor.createTensor(
              environment,
              m.values().bytes(),
              new long[] {m.inputs(), m.outputs()},
              OnnxJavaType.INT8));
    }
  }

  @Override
  public void close() {
    embedding.close();
    matrices.values().forEach(m -> m.values().close());
  }
}
