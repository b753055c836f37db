package org.autodidact.onnxruntime.quantization;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.quantization.ActivationObserver.Site;

/**
 * A checkpoint's weights rotated by Hadamard matrices (QuaRot: Ashkboos et al., 2024) and quantized
 * to int8, one scale an output; made when a model is opened. Owns their memory.
 *
 * <p>The residual stream is rotated: the embedding's rows, and the outputs of the projections that
 * add to it. Norms scale by 1; their gains and the inverse rotation are folded into the projections
 * that read the residual stream, so that the model computes what it did. Values are rotated within
 * each head. The inputs of {@code down_proj} are rotated at run time, in blocks.
 *
 * <p>Where a sub-layer's output is normed before it is added (Gemma 3), no rotation passes the
 * norm's gains. Then the residual stream stays as it is, norms keep their gains, and the inputs of
 * all projections are rotated at run time, in blocks.
 */
public final class Int8Weights implements QuantizedWeights {
  public static final String EMBEDDING = "rotated.embedding";
  public static final String HEAD = "head";

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

  /** Inputs that are rotated together, at most, where the residual stream is not (not measured). */
  private static final int MAX_INPUT_HADAMARD_SIZE = 128;

  /** Rows of the embedding that are converted to float32 and rotated together. */
  private static final int EMBEDDING_ROWS = 64;

  private final ModelFolder model;
  private final ModelConfig config;
  private final boolean exactProducts;
  private final Cancellation opening;

  /** The rotation of the residual stream, or of what projections read of it. */
  private final HadamardRotation rotation;

  private final Map<String, Int8Matrix> matrices = new LinkedHashMap<>();
  private Calibration calibration = Calibration.NONE;
  private NativeBuffer embedding = NativeBuffer.ofFloats(0);

  private Int8Weights(ModelFolder model, boolean exactProducts, Cancellation opening) {
    this.model = model;
    this.opening = opening;
    this.config = model.config();
    this.exactProducts = exactProducts;
    this.rotation =
        rotatesResidual(config)
            ? HadamardRotation.of(config.hiddenSize())
            : HadamardRotation.hadamard(inputHadamardSize(config));
  }

  /**
   * Rotates and quantizes a checkpoint's weights.
   *
   * @param exactProducts whether this processor multiplies unsigned by signed bytes exactly ({@link
   *     Int8MatMulCheck}); where not, weights are limited so that it does ({@link GptqRounding})
   */
  public static Int8Weights of(
      ModelFolder model, boolean exactProducts, int threads, Cancellation cancellation) {
    CAPABILITIES.require(model.path(), model.config(), "; use fp32");
    Int8Weights weights = new Int8Weights(model, exactProducts, cancellation);
    try {
      weights.quantizeMatrices(threads);
      weights.rotateEmbedding();
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** Whether the residual stream is rotated, or else what projections read of it. */
  public static boolean rotatesResidual(ModelConfig config) {
    return !config.norm().sublayerOutputs();
  }

  /** Inputs that are rotated together where the residual stream is not. */
  public static int inputHadamardSize(ModelConfig config) {
    return Math.min(MAX_INPUT_HADAMARD_SIZE, Integer.lowestOneBit(config.hiddenSize()));
  }

  /** Cancels the opening of the model, and with it what is made of these weights. */
  public Cancellation opening() {
    return opening;
  }

  /** Frees the bytes of a matrix that its user has copied. */
  public void free(String name) {
    matrices.get(name).values().close();
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
    float[] gains = floats(name);
    for (int i = 0; i < gains.length && config.norm().gainsFromOne(); i++) {
      gains[i] += 1;
    }
    return gains;
  }

  /** The rotated embedding, [V, hidden]. */
  public FloatBuffer embedding() {
    return embedding.floats(0, (long) config.vocabularySize() * config.hiddenSize());
  }

  /** Quantizes all matrices, whose bytes were freed, again with statistics of their inputs. */
  public void quantizeAgain(Calibration calibrated, int threads) {
    calibration = calibrated;
    quantizeMatrices(threads);
  }

  private void quantizeMatrices(int threads) {
    Map<String, Callable<Int8Matrix>> work = new LinkedHashMap<>();
    for (int i = 0; i < config.layers(); i++) {
      String layer = "model.layers." + i + ".";
      int index = i;
      work.put("qkv." + i, () -> queriesKeysValues(layer, index));
      work.put("o." + i, () -> attentionOutput(layer, index));
      work.put("gate." + i, () -> mlpInput(layer, index, "mlp.gate_proj"));
      work.put("up." + i, () -> mlpInput(layer, index, "mlp.up_proj"));
      work.put("down." + i, () -> down(layer, index));
    }
    work.put(HEAD, this::head);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    Map<String, Future<Int8Matrix>> made = new LinkedHashMap<>();
    try {
      work.forEach((name, task) -> made.put(name, pool.submit(task)));
      for (Map.Entry<String, Future<Int8Matrix>> entry : made.entrySet()) {
        matrices.put(entry.getKey(), entry.getValue().get());
        entry.setValue(CompletableFuture.failedFuture(new CancelledException()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("interrupted while the weights were rotated", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new AutodidactException("the weights cannot be rotated: " + e.getCause(), e);
    } finally {
      pool.shutdownNow();
      freeUnclaimed(pool, made.values());
    }
  }

  /** Frees, after a failure, the matrices that other threads finished before they stopped. */
  private static void freeUnclaimed(ExecutorService pool, Collection<Future<Int8Matrix>> made) {
    boolean interrupted = false;
    while (!pool.isTerminated()) {
      try {
        pool.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    for (Future<Int8Matrix> future : made) {
      try {
        if (future.isDone() && !future.isCancelled()) {
          future.get().values().close();
        }
      } catch (ExecutionException e) {
        // This task made no matrix.
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void rotateEmbedding() {
    if (!rotatesResidual(config)) {
      return;
    }
    int vocabulary = config.vocabularySize();
    embedding = NativeBuffer.ofFloats((long) vocabulary * config.hiddenSize());
    FloatBuffer target = embedding();
    TensorInfo plain = plainEmbedding();
    ByteBuffer bytes = model.bytes(plain);
    for (int from = 0; from < vocabulary; from += EMBEDDING_ROWS) {
      opening.throwIfCancelled();
      int count = Math.min(EMBEDDING_ROWS, vocabulary - from);
      float[][] rows = rows(plain, bytes, from, count);
      float[][] columns = HadamardRotation.transposed(rows, config.hiddenSize());
      rotation.applyToAll(columns);
      for (float[] row : HadamardRotation.transposed(columns, count)) {
        target.put(row);
      }
    }
  }

  /** Rows of a matrix [N, K] as float32, from row {@code from} on. */
  private static float[][] rows(TensorInfo tensor, ByteBuffer bytes, int from, int count) {
    int width = Math.toIntExact(tensor.shape().get(1));
    float[] values = ModelFolder.floats(tensor, bytes, from * width, count * width);
    return IntStream.range(0, count)
        .mapToObj(i -> Arrays.copyOfRange(values, i * width, (i + 1) * width))
        .toArray(float[][]::new);
  }

  private float[][] rows(String name) {
    opening.throwIfCancelled();
    TensorInfo tensor = model.tensor(name);
    return rows(tensor, model.bytes(tensor), 0, Math.toIntExact(tensor.shape().get(0)));
  }

  private float[] floats(String name) {
    return model.floats(model.tensor(name));
  }

  private float[] biasOrNone(String name, boolean present) {
    return present ? floats(name + ".bias") : new float[0];
  }

  private Int8Matrix queriesKeysValues(String layer, int index) {
    String name = layer + "self_attn.";
    boolean bias = config.attentionBias();
    float[][] value = rows(name + "v_proj.weight");
    float[] valueBias = biasOrNone(name + "v_proj", bias);
    HadamardRotation head = HadamardRotation.hadamard(config.headSize());
    head.applyToAll(value);
    head.applyToAll(valueBias);
    float[][] query = rows(name + "q_proj.weight");
    float[] queryBias = biasOrNone(name + "q_proj", bias);
    if (!config.norm().queriesAndKeys()) {
      for (float[] row : query) {
        scaled(row);
      }
      scaled(queryBias);
    }
    return residualReader(
        Stream.of(query, rows(name + "k_proj.weight"), value)
            .flatMap(Arrays::stream)
            .toArray(float[][]::new),
        layer + "input_layernorm.weight",
        Int8Matrix.concat(queryBias, biasOrNone(name + "k_proj", bias), valueBias),
        calibration.of(Site.QKV, index, config.hiddenSize()));
  }

  /** Folds in the scale of attention scores; without one, ONNX Runtime's attention is faster. */
  private float[] scaled(float[] query) {
    float scale = (float) config.attentionScale();
    for (int i = 0; i < query.length; i++) {
      query[i] *= scale;
    }
    return query;
  }

  private Int8Matrix mlpInput(String layer, int index, String name) {
    return residualReader(
        rows(layer + name + ".weight"),
        layer + "post_attention_layernorm.weight",
        biasOrNone(layer + name, config.mlpBias()),
        calibration.of(Site.GATE_UP, index, config.hiddenSize()));
  }

  private Int8Matrix attentionOutput(String layer, int index) {
    return residualWriter(
        rows(layer + "self_attn.o_proj.weight"),
        HadamardRotation.hadamard(config.headSize()),
        biasOrNone(layer + "self_attn.o_proj", config.outputBias()),
        calibration.of(Site.O_PROJ, index, config.heads() * config.headSize()));
  }

  private Int8Matrix down(String layer, int index) {
    return residualWriter(
        rows(layer + "mlp.down_proj.weight"),
        HadamardRotation.hadamard(DOWN_HADAMARD_SIZE),
        biasOrNone(layer + "mlp.down_proj", config.mlpBias()),
        calibration.of(Site.DOWN_PROJ, index, config.intermediateSize()));
  }

  /** The logits' projection, in slices: as a whole it would take too much memory. */
  private Int8Matrix head() {
    TensorInfo tensor = config.tiedEmbeddings() ? plainEmbedding() : model.tensor("lm_head.weight");
    float[] gains = gains("model.norm.weight");
    ByteBuffer bytes = model.bytes(tensor);
    return GptqRounding.quantize(
        (from, count) -> {
          opening.throwIfCancelled();
          return foldedColumns(rows(tensor, bytes, from, count), gains);
        },
        config.vocabularySize(),
        new float[0],
        !exactProducts,
        calibration.of(Site.LM_HEAD, 0, config.hiddenSize()));
  }

  private Int8Matrix residualReader(
      float[][] rows, String norm, float[] bias, ActivationStatistics statistics) {
    float[] gains = gains(norm);
    return GptqRounding.quantize(
        (from, count) -> {
          opening.throwIfCancelled();
          return foldedColumns(Arrays.copyOfRange(rows, from, from + count), gains);
        },
        rows.length,
        bias,
        !exactProducts,
        statistics);
  }

  /**
   * Weights that read the residual stream, [K, N], with rotation and the norm's gains folded in.
   */
  private float[][] foldedColumns(float[][] rows, float[] gains) {
    float[][] columns = HadamardRotation.transposed(rows, config.hiddenSize());
    if (rotatesResidual(config)) {
      for (int k = 0; k < columns.length; k++) {
        for (int n = 0; n < rows.length; n++) {
          columns[k][n] *= gains[k];
        }
      }
    }
    rotation.applyToAll(columns);
    return columns;
  }

  /** A projection that adds to the residual stream: its outputs are rotated as the stream is. */
  private Int8Matrix residualWriter(
      float[][] rows, HadamardRotation inputs, float[] bias, ActivationStatistics statistics) {
    if (rotatesResidual(config)) {
      rotation.applyToAll(rows);
      rotation.applyToAll(bias);
    }
    return GptqRounding.quantize(
        (from, count) -> {
          opening.throwIfCancelled();
          float[][] slice = Arrays.copyOfRange(rows, from, from + count);
          float[][] columns = HadamardRotation.transposed(slice, statistics.inputs());
          inputs.applyToAll(columns);
          return columns;
        },
        rows.length,
        bias,
        !exactProducts,
        statistics);
  }

  @Override
  public void addInitializers(OrtEnvironment environment, Map<String, OnnxTensor> initializers)
      throws OrtException {
    if (rotatesResidual(config)) {
      initializers.put(
          EMBEDDING,
          OnnxTensor.createTensor(
              environment, embedding(), new long[] {config.vocabularySize(), config.hiddenSize()}));
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
