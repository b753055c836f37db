package org.autodidact.onnxruntime;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;

/**
 * A checkpoint's weights rotated and rounded to 8 bits, one scale an output, made when a session is
 * opened. Owns their memory.
 *
 * <p>The residual stream is rotated: the embedding's rows, and the outputs of the products that add
 * to it. Norms scale by 1; their gains and the rotation back are in the products that read the
 * stream, so that the model computes what it did. Values are rotated within each head; the inputs
 * of {@code down_proj} in blocks, by the graph.
 */
final class Int8Weights implements AutoCloseable {
  static final String EMBEDDING = "rotated.embedding";
  static final String HEAD = "head";
  private static final int LEVELS = 127;
  private static final int BLOCK = 32;

  private final ModelFolder model;
  private final ModelConfig config;
  private final boolean signed;
  private final Rotation stream;
  private final Map<String, Matrix> matrices = new LinkedHashMap<>();
  private NativeBuffer embedding = NativeBuffer.ofFloats(0);

  /**
   * A product's weights.
   *
   * @param inputs K
   * @param outputs N
   * @param values [K, N] bytes; signed, or with 128 for 0
   * @param scales [N]
   * @param bias [N], or empty
   */
  record Matrix(int inputs, int outputs, NativeBuffer values, float[] scales, float[] bias) {

    /** A copy of the columns {@code from} to {@code to}, [K, to - from]. */
    NativeBuffer columns(int from, int to) {
      int width = to - from;
      NativeBuffer copy = NativeBuffer.ofBytes((long) inputs * width);
      ByteBuffer source = values.bytes();
      ByteBuffer target = copy.bytes();
      for (int k = 0; k < inputs; k++) {
        target.put(k * width, source, k * outputs + from, width);
      }
      return copy;
    }
  }

  private Int8Weights(ModelFolder model, boolean signed) {
    this.model = model;
    this.config = model.config();
    this.signed = signed;
    this.stream = Rotation.of(config.hiddenSize());
  }

  /**
   * Rotates and rounds.
   *
   * @param signed whether weights are signed bytes, or unsigned with 128 for 0
   */
  static Int8Weights of(ModelFolder model, boolean signed, int threads) {
    List<String> missing = unsupported(model.config());
    if (!missing.isEmpty()) {
      throw new UnsupportedModelException(
          model.path()
              + ": int8 does not have, and this "
              + model.config().modelType()
              + " needs: "
              + String.join(", ", missing)
              + "; use fp32");
    }
    Int8Weights weights = new Int8Weights(model, signed);
    try {
      weights.make(threads);
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** Whether such a model can be rotated. */
  static boolean supports(ModelConfig config) {
    return unsupported(config).isEmpty();
  }

  /** What a model needs that is not written for 8 bits. */
  private static List<String> unsupported(ModelConfig config) {
    Map<String, Boolean> needs = new LinkedHashMap<>();
    needs.put("a head size that is no power of two", Integer.bitCount(config.headSize()) != 1);
    needs.put(
        "an intermediate size in no multiple of " + BLOCK, config.intermediateSize() % BLOCK != 0);
    needs.put("a norm of queries and keys", config.norm().queriesAndKeys());
    needs.put("norms after attention and MLP", config.norm().sublayerOutputs());
    needs.put("norm gains of 1 + w", config.norm().gainsFromOne());
    needs.put(
        "biases of q, k and v without one of o", config.attentionBias() != config.outputBias());
    needs.put("an embedding scale", config.embeddingScale() != 1);
    needs.put("an activation other than silu", config.activation() != ModelConfig.Activation.SILU);
    needs.put(
        "a sliding window", config.attention().stream().anyMatch(a -> a.window().isPresent()));
    return needs.entrySet().stream().filter(Map.Entry::getValue).map(Map.Entry::getKey).toList();
  }

  boolean signed() {
    return signed;
  }

  /** Numbers that the graph rotates together before {@code down_proj}. */
  static int block() {
    return BLOCK;
  }

  /** Frees the bytes of a matrix that whoever multiplies by it has copied. */
  void free(String name) {
    matrices.get(name).values().close();
  }

  Matrix matrix(String name) {
    return matrices.get(name);
  }

  Map<String, Matrix> matrices() {
    return matrices;
  }

  /** [V, hidden]. */
  FloatBuffer embedding() {
    return embedding.floats(0, (long) config.vocabularySize() * config.hiddenSize());
  }

  private void make(int threads) {
    Map<String, Callable<Matrix>> work = new LinkedHashMap<>();
    for (int i = 0; i < config.layers(); i++) {
      String layer = "model.layers." + i + ".";
      work.put("qkv." + i, () -> queriesKeysValues(layer));
      work.put("o." + i, () -> attentionOutput(layer));
      work.put("gate." + i, () -> readingMlp(layer, "mlp.gate_proj"));
      work.put("up." + i, () -> readingMlp(layer, "mlp.up_proj"));
      work.put("down." + i, () -> down(layer));
    }
    work.put(HEAD, this::head);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      Map<String, Future<Matrix>> made = new LinkedHashMap<>();
      work.forEach((name, task) -> made.put(name, pool.submit(task)));
      for (Map.Entry<String, Future<Matrix>> entry : made.entrySet()) {
        matrices.put(entry.getKey(), entry.getValue().get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AutodidactException("interrupted while the weights were rotated", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new AutodidactException("the weights cannot be rotated: " + e.getCause(), e);
    } finally {
      pool.shutdownNow();
    }
    float[] rows = floats("model.embed_tokens.weight");
    for (int row = 0; row < config.vocabularySize(); row++) {
      stream.apply(rows, row * config.hiddenSize());
    }
    embedding = NativeBuffer.ofFloats(rows.length);
    embedding().put(rows);
  }

  private float[] floats(String name) {
    return model.floats(model.tensor(name));
  }

  private float[] biasOrNone(String name, boolean there) {
    return there ? floats(name + ".bias") : new float[0];
  }

  private Matrix queriesKeysValues(String layer) {
    String name = layer + "self_attn.";
    boolean bias = config.attentionBias();
    float[] value = floats(name + "v_proj.weight");
    float[] valueBias = biasOrNone(name + "v_proj", bias);
    Rotation head = Rotation.hadamard(config.headSize());
    rotateOutputs(value, config.hiddenSize(), head);
    rotateRow(valueBias, head);
    float[] query = scaled(floats(name + "q_proj.weight"));
    float[] queryBias = scaled(biasOrNone(name + "q_proj", bias));
    return reading(
        concat(query, floats(name + "k_proj.weight"), value),
        floats(layer + "input_layernorm.weight"),
        concat(queryBias, biasOrNone(name + "k_proj", bias), valueBias));
  }

  /** Takes in the scale of attention scores; without one, ONNX Runtime's products are faster. */
  private float[] scaled(float[] query) {
    float scale = (float) (1 / Math.sqrt(config.headSize()));
    for (int i = 0; i < query.length; i++) {
      query[i] *= scale;
    }
    return query;
  }

  private Matrix readingMlp(String layer, String name) {
    return reading(
        floats(layer + name + ".weight"),
        floats(layer + "post_attention_layernorm.weight"),
        biasOrNone(layer + name, config.mlpBias()));
  }

  private Matrix attentionOutput(String layer) {
    float[] weights = floats(layer + "self_attn.o_proj.weight");
    rotateRow(weights, Rotation.hadamard(config.headSize()));
    return writing(
        weights,
        config.heads() * config.headSize(),
        biasOrNone(layer + "self_attn.o_proj", config.attentionBias()));
  }

  private Matrix down(String layer) {
    float[] weights = floats(layer + "mlp.down_proj.weight");
    rotateRow(weights, Rotation.hadamard(BLOCK));
    return writing(
        weights, config.intermediateSize(), biasOrNone(layer + "mlp.down_proj", config.mlpBias()));
  }

  private Matrix head() {
    return reading(
        floats(config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight"),
        floats("model.norm.weight"),
        new float[0]);
  }

  /** A product that reads the stream: takes in the norm's gain and the rotation back. */
  private Matrix reading(float[] weights, float[] gain, float[] bias) {
    int inputs = config.hiddenSize();
    for (int i = 0; i < weights.length; i++) {
      weights[i] *= gain[i % inputs];
    }
    rotateRow(weights, stream);
    return round(weights, inputs, bias);
  }

  /** A product that adds to the stream: its outputs are rotated. */
  private Matrix writing(float[] weights, int inputs, float[] bias) {
    rotateOutputs(weights, inputs, stream);
    rotateRow(bias, stream);
    return round(weights, inputs, bias);
  }

  /** Rotates consecutive numbers. */
  private static void rotateRow(float[] values, Rotation rotation) {
    for (int from = 0; from < values.length; from += rotation.size()) {
      rotation.apply(values, from);
    }
  }

  /** Rotates the outputs of weights [outputs, inputs], that is each column. */
  private static void rotateOutputs(float[] weights, int inputs, Rotation rotation) {
    int size = rotation.size();
    float[] column = new float[size];
    for (int block = 0; block < weights.length; block += size * inputs) {
      for (int c = 0; c < inputs; c++) {
        for (int r = 0; r < size; r++) {
          column[r] = weights[block + r * inputs + c];
        }
        rotation.apply(column, 0);
        for (int r = 0; r < size; r++) {
          weights[block + r * inputs + c] = column[r];
        }
      }
    }
  }

  /** [outputs, inputs] in float to [inputs, outputs] in bytes, a scale an output. */
  private Matrix round(float[] weights, int inputs, float[] bias) {
    int outputs = weights.length / inputs;
    float[] scales = new float[outputs];
    float[] inverse = new float[outputs];
    for (int n = 0; n < outputs; n++) {
      float most = 1e-12f;
      for (int k = n * inputs; k < (n + 1) * inputs; k++) {
        most = Math.max(most, Math.abs(weights[k]));
      }
      scales[n] = most / LEVELS;
      inverse[n] = LEVELS / most;
    }
    NativeBuffer values = NativeBuffer.ofBytes((long) inputs * outputs);
    ByteBuffer bytes = values.bytes();
    byte[] row = new byte[outputs];
    int zero = signed ? 0 : 128;
    for (int k = 0; k < inputs; k++) {
      for (int n = 0; n < outputs; n++) {
        row[n] = (byte) (Math.round(weights[n * inputs + k] * inverse[n]) + zero);
      }
      bytes.put(k * outputs, row);
    }
    return new Matrix(inputs, outputs, values, scales, bias);
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
  public void close() {
    embedding.close();
    matrices.values().forEach(m -> m.values().close());
  }
}
