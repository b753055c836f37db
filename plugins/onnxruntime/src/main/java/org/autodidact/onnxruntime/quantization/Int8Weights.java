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
import org.autodidact.onnxruntime.graph.Int8Projections;
import org.autodidact.onnxruntime.graph.Projections;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * A checkpoint's weights rotated and rounded to 8 bits, one scale an output, made when a session is
 * opened. Owns their memory.
 *
 * <p>The residual stream is rotated: the embedding's rows, and the outputs of the products that add
 * to it. Norms scale by 1; their gains and the rotation back are in the products that read the
 * stream, so that the model computes what it did. Values are rotated within each head; the inputs
 * of {@code down_proj} in blocks, by the graph.
 *
 * <p>Where what is added to the stream is normed first, with gains that no rotation passes (Gemma
 * 3), the stream stays as it is; the graph's norms have their gains, and the graph rotates what
 * products read, in blocks too.
 */
public final class Int8Weights implements QuantizedWeights {
  public static final String EMBEDDING = "rotated.embedding";
  public static final String HEAD = "head";
  private static final int BLOCK = 32;

  /** Rotations need widths that a Hadamard matrix has. */
  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut(
          "int8",
          ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.HEAD_SIZE_NOT_POWER_OF_TWO,
          ModelFeature.INTERMEDIATE_SIZE_NOT_MULTIPLE_OF_32,
          ModelFeature.SUBLAYER_NORM_OF_ODD_WIDTH);

  /** Numbers that are rotated together at most where the stream is not. */
  private static final int LARGEST_BLOCK = 128;

  /** Rows of the embedding that are widened and rotated together. */
  private static final int TOGETHER = 64;

  private final ModelFolder model;
  private final ModelConfig config;
  private final boolean exact;
  private final Cancellation opening;
  private final HadamardRotation stream;
  private final Map<String, Matrix> matrices = new LinkedHashMap<>();
  private Calibration calibration = Calibration.NONE;
  private NativeBuffer embedding = NativeBuffer.ofFloats(0);

  /**
   * A product's weights.
   *
   * @param inputs K
   * @param outputs N
   * @param centre [K], what is to be taken from inputs, or empty; what it gives is in the bias
   * @param values [K, N] signed bytes
   * @param scales [N]
   * @param bias [N], or empty
   */
  public record Matrix(
      int inputs, int outputs, float[] centre, NativeBuffer values, float[] scales, float[] bias) {

    /** The outputs of this and of another with the same inputs, in memory of its own. */
    public Matrix beside(Matrix other) {
      int width = outputs + other.outputs;
      NativeBuffer both = NativeBuffer.ofBytes((long) inputs * width);
      ByteBuffer target = both.bytes();
      for (int k = 0; k < inputs; k++) {
        target.put(k * width, values.bytes(), k * outputs, outputs);
        target.put(k * width + outputs, other.values.bytes(), k * other.outputs, other.outputs);
      }
      return new Matrix(
          inputs, width, centre, both, concat(scales, other.scales), concat(bias, other.bias));
    }

    /** A copy of the columns {@code from} to {@code to}, [K, to - from]. */
    public byte[] columns(int from, int to) {
      int width = to - from;
      byte[] copy = new byte[inputs * width];
      ByteBuffer source = values.bytes();
      for (int k = 0; k < inputs; k++) {
        source.get(k * outputs + from, copy, k * width, width);
      }
      return copy;
    }
  }

  private Int8Weights(ModelFolder model, boolean exact, Cancellation opening) {
    this.model = model;
    this.opening = opening;
    this.config = model.config();
    this.exact = exact;
    this.stream =
        rotatesStream(config)
            ? HadamardRotation.of(config.hiddenSize())
            : HadamardRotation.hadamard(inputBlock(config));
  }

  /** {@link #of(ModelFolder, boolean, int, Cancellation)} that nobody cancels. */
  public static Int8Weights of(ModelFolder model, boolean exact, int threads) {
    return of(model, exact, threads, new Cancellation());
  }

  /**
   * Rotates and rounds.
   *
   * @param exact whether this processor adds products of unsigned and signed bytes exactly ({@link
   *     Int8MatMulCheck}); where not, weights are rounded so that it does ({@link GptqRounding})
   */
  public static Int8Weights of(
      ModelFolder model, boolean exact, int threads, Cancellation cancellation) {
    CAPABILITIES.require(model.path(), model.config(), "; use fp32");
    Int8Weights weights = new Int8Weights(model, exact, cancellation);
    try {
      weights.makeMatrices(threads);
      weights.makeEmbedding();
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** Whether the stream itself is rotated, or what products read of it. */
  public static boolean rotatesStream(ModelConfig config) {
    return !config.norm().sublayerOutputs();
  }

  /** Numbers of a row that are rotated together where the stream is not. */
  public static int inputBlock(ModelConfig config) {
    return Math.min(LARGEST_BLOCK, Integer.lowestOneBit(config.hiddenSize()));
  }

  /** Numbers that the graph rotates together before {@code down_proj}. */
  public static int block() {
    return BLOCK;
  }

  /** Cancels what is made of these weights while a model is opened. */
  public Cancellation opening() {
    return opening;
  }

  /** Frees the bytes of a matrix that whoever multiplies by it has copied. */
  public void free(String name) {
    matrices.get(name).values().close();
  }

  public Matrix matrix(String name) {
    return matrices.get(name);
  }

  public Map<String, Matrix> matrices() {
    return matrices;
  }

  /** The checkpoint's own embedding, for graphs whose stream is not rotated. */
  public TensorInfo plainEmbedding() {
    return model.tensor("model.embed_tokens.weight");
  }

  /**
   * The gain of a norm that the graph is to apply; empty where the next product has it. The scale
   * of attention scores is in the norm of the queries, where there is one.
   */
  public float[] gain(String name) {
    boolean queries = name.endsWith("q_norm.weight");
    if (rotatesStream(config) && !queries && !name.endsWith("k_norm.weight")) {
      return new float[0];
    }
    return queries ? scaled(gains(name)) : gains(name);
  }

  /** A norm's gains as they act. */
  private float[] gains(String name) {
    float[] gains = floats(name);
    for (int i = 0; i < gains.length && config.norm().gainsFromOne(); i++) {
      gains[i] += 1;
    }
    return gains;
  }

  /** [V, hidden], rotated. */
  public FloatBuffer embedding() {
    return embedding.floats(0, (long) config.vocabularySize() * config.hiddenSize());
  }

  /** Rounds all matrices anew, whose bytes were freed, by what they read. */
  public void roundAgain(Calibration seen, int threads) {
    calibration = seen;
    makeMatrices(threads);
  }

  private void makeMatrices(int threads) {
    Map<String, Callable<Matrix>> work = new LinkedHashMap<>();
    for (int i = 0; i < config.layers(); i++) {
      String layer = "model.layers." + i + ".";
      int at = i;
      work.put("qkv." + i, () -> queriesKeysValues(layer, at));
      work.put("o." + i, () -> attentionOutput(layer, at));
      work.put("gate." + i, () -> readingMlp(layer, at, "mlp.gate_proj"));
      work.put("up." + i, () -> readingMlp(layer, at, "mlp.up_proj"));
      work.put("down." + i, () -> down(layer, at));
    }
    work.put(HEAD, this::head);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    Map<String, Future<Matrix>> made = new LinkedHashMap<>();
    try {
      work.forEach((name, task) -> made.put(name, pool.submit(task)));
      for (Map.Entry<String, Future<Matrix>> entry : made.entrySet()) {
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
      freeWhatNobodyHas(pool, made.values());
    }
  }

  /** After a failure: matrices that others made before they heeded it, or while they did. */
  private static void freeWhatNobodyHas(ExecutorService pool, Collection<Future<Matrix>> made) {
    boolean interrupted = false;
    while (!pool.isTerminated()) {
      try {
        pool.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    for (Future<Matrix> future : made) {
      try {
        if (future.isDone() && !future.isCancelled()) {
          future.get().values().close();
        }
      } catch (ExecutionException e) {
        // It made none.
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void makeEmbedding() {
    if (!rotatesStream(config)) {
      return;
    }
    int vocabulary = config.vocabularySize();
    embedding = NativeBuffer.ofFloats((long) vocabulary * config.hiddenSize());
    FloatBuffer target = embedding();
    TensorInfo plain = plainEmbedding();
    ByteBuffer bytes = model.bytes(plain);
    for (int from = 0; from < vocabulary; from += TOGETHER) {
      opening.throwIfCancelled();
      int count = Math.min(TOGETHER, vocabulary - from);
      float[][] rows = rows(plain, bytes, from, count);
      float[][] columns = HadamardRotation.transposed(rows, config.hiddenSize());
      stream.applyToAll(columns);
      for (float[] row : HadamardRotation.transposed(columns, count)) {
        target.put(row);
      }
    }
  }

  /** Some rows of a matrix. */
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

  private float[] biasOrNone(String name, boolean there) {
    return there ? floats(name + ".bias") : new float[0];
  }

  private Matrix queriesKeysValues(String layer, int at) {
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
    return reading(
        Stream.of(query, rows(name + "k_proj.weight"), value)
            .flatMap(Arrays::stream)
            .toArray(float[][]::new),
        layer + "input_layernorm.weight",
        concat(queryBias, biasOrNone(name + "k_proj", bias), valueBias),
        calibration.of(Calibration.Input.ATTENTION, at, config.hiddenSize()));
  }

  /** Takes in the scale of attention scores; without one, ONNX Runtime's products are faster. */
  private float[] scaled(float[] query) {
    float scale = (float) config.attentionScale();
    for (int i = 0; i < query.length; i++) {
      query[i] *= scale;
    }
    return query;
  }

  private Matrix readingMlp(String layer, int at, String name) {
    return reading(
        rows(layer + name + ".weight"),
        layer + "post_attention_layernorm.weight",
        biasOrNone(layer + name, config.mlpBias()),
        calibration.of(Calibration.Input.MLP, at, config.hiddenSize()));
  }

  private Matrix attentionOutput(String layer, int at) {
    return writing(
        rows(layer + "self_attn.o_proj.weight"),
        HadamardRotation.hadamard(config.headSize()),
        biasOrNone(layer + "self_attn.o_proj", config.outputBias()),
        calibration.of(Calibration.Input.ATTENDED, at, config.heads() * config.headSize()));
  }

  private Matrix down(String layer, int at) {
    return writing(
        rows(layer + "mlp.down_proj.weight"),
        HadamardRotation.hadamard(BLOCK),
        biasOrNone(layer + "mlp.down_proj", config.mlpBias()),
        calibration.of(Calibration.Input.GATED, at, config.intermediateSize()));
  }

  /** Too large to be there as a whole. */
  private Matrix head() {
    TensorInfo tensor = config.tiedEmbeddings() ? plainEmbedding() : model.tensor("lm_head.weight");
    float[] gains = gains("model.norm.weight");
    ByteBuffer bytes = model.bytes(tensor);
    return GptqRounding.round(
        (from, count) -> {
          opening.throwIfCancelled();
          return read(rows(tensor, bytes, from, count), gains);
        },
        config.vocabularySize(),
        new float[0],
        !exact,
        calibration.of(Calibration.Input.HEAD, 0, config.hiddenSize()));
  }

  private Matrix reading(
      float[][] rows, String norm, float[] bias, ActivationStatistics directions) {
    float[] gains = gains(norm);
    return GptqRounding.round(
        (from, count) -> {
          opening.throwIfCancelled();
          return read(Arrays.copyOfRange(rows, from, from + count), gains);
        },
        rows.length,
        bias,
        !exact,
        directions);
  }

  /** Weights of a product that reads the stream, with the rotation back and a norm's gains. */
  private float[][] read(float[][] rows, float[] gains) {
    float[][] columns = HadamardRotation.transposed(rows, config.hiddenSize());
    if (rotatesStream(config)) {
      for (int k = 0; k < columns.length; k++) {
        for (int n = 0; n < rows.length; n++) {
          columns[k][n] *= gains[k];
        }
      }
    }
    stream.applyToAll(columns);
    return columns;
  }

  /** A product that adds to the stream: its outputs are rotated as the stream is. */
  private Matrix writing(
      float[][] rows, HadamardRotation inputs, float[] bias, ActivationStatistics directions) {
    if (rotatesStream(config)) {
      stream.applyToAll(rows);
      stream.applyToAll(bias);
    }
    return GptqRounding.round(
        (from, count) -> {
          opening.throwIfCancelled();
          float[][] some = Arrays.copyOfRange(rows, from, from + count);
          float[][] columns = HadamardRotation.transposed(some, directions.inputs());
          inputs.applyToAll(columns);
          return columns;
        },
        rows.length,
        bias,
        !exact,
        directions);
  }

  private static float[] concat(float[]... parts) {
    int length = 0;
    for (float[] part : parts) {
      length += part.length;
    }
    float[] all = new float[length];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  @Override
  public Projections projections(OnnxGraphBuilder graph) {
    return new Int8Projections(config, this, graph);
  }

  @Override
  public void give(OrtEnvironment environment, Map<String, OnnxTensor> given) throws OrtException {
    if (rotatesStream(config)) {
      given.put(
          EMBEDDING,
          OnnxTensor.createTensor(
              environment, embedding(), new long[] {config.vocabularySize(), config.hiddenSize()}));
    }
    for (Map.Entry<String, Matrix> entry : matrices.entrySet()) {
      Matrix m = entry.getValue();
      given.put(
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
