package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.onnxruntime.quantization.ActivationObserver.Site;

/**
 * Rotates a checkpoint's weights by Hadamard matrices (QuaRot: Ashkboos et al., 2024) and quantizes
 * them to int8, one scale an output, a matrix at a time from the mapped file.
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
public final class Int8Quantizer implements Int8Source {
  /** Inputs that are rotated together, at most, where the residual stream is not (not measured). */
  private static final int MAX_INPUT_HADAMARD_SIZE = 128;

  private final ModelFolder model;
  private final ModelConfig config;
  private final boolean exactProducts;
  private final Calibration calibration;
  private final Cancellation opening;
  private final RowPool pool;

  /** The rotation of the residual stream, or of what projections read of it. */
  private final HadamardRotation rotation;

  /**
   * Quantizes to nearest.
   *
   * @param exactProducts whether this processor multiplies unsigned by signed bytes exactly ({@link
   *     Int8MatMulCheck}); where not, weights are limited so that it does ({@link GptqRounding})
   */
  public Int8Quantizer(ModelFolder model, boolean exactProducts, Cancellation opening) {
    this(model, exactProducts, Calibration.NONE, opening, new RowPool());
  }

  private Int8Quantizer(
      ModelFolder model,
      boolean exactProducts,
      Calibration calibration,
      Cancellation opening,
      RowPool pool) {
    this.model = model;
    this.config = model.config();
    this.exactProducts = exactProducts;
    this.calibration = calibration;
    this.opening = opening;
    this.pool = pool;
    this.rotation =
        rotatesResidual(config)
            ? HadamardRotation.of(config.hiddenSize())
            : HadamardRotation.hadamard(inputHadamardSize(config));
  }

  /** Quantizes by GPTQ, with statistics of the inputs. */
  public Int8Quantizer calibrated(Calibration statistics) {
    return new Int8Quantizer(model, exactProducts, statistics, opening, pool);
  }

  /** Whether the residual stream is rotated, or else what projections read of it. */
  static boolean rotatesResidual(ModelConfig config) {
    return !config.norm().sublayerOutputs();
  }

  /** Inputs that are rotated together where the residual stream is not. */
  static int inputHadamardSize(ModelConfig config) {
    return Math.min(MAX_INPUT_HADAMARD_SIZE, Integer.lowestOneBit(config.hiddenSize()));
  }

  @Override
  public Cancellation opening() {
    return opening;
  }

  @Override
  public RotatedEmbedding embedding() {
    return new RotatedEmbedding(model, rotation);
  }

  @Override
  public Int8Matrix take(String name) {
    opening.throwIfCancelled();
    if (name.equals(HEAD)) {
      return head();
    }
    int dot = name.indexOf('.');
    int index = Integer.parseInt(name.substring(dot + 1));
    String layer = "model.layers." + index + ".";
    return switch (name.substring(0, dot)) {
      case "qkv" -> queriesKeysValues(layer, index);
      case "o" -> attentionOutput(layer, index);
      case "gate" -> mlpInput(layer, index, "mlp.gate_proj");
      case "up" -> mlpInput(layer, index, "mlp.up_proj");
      case "down" -> down(layer, index);
      default -> throw new IllegalArgumentException(name);
    };
  }

  /** A norm's gains, 1 added where the checkpoint stores them without. */
  private float[] gains(String name) {
    float[] gains = floats(name);
    for (int i = 0; i < gains.length && config.norm().gainsFromOne(); i++) {
      gains[i] += 1;
    }
    return gains;
  }

  /** Reads rows of a matrix [N, K] as float32, from row {@code from} on. */
  private static void read(
      TensorInfo tensor, ByteBuffer bytes, int from, int count, float[][] into, int at) {
    int width = Math.toIntExact(tensor.shape().get(1));
    for (int i = 0; i < count; i++) {
      ModelFolder.floats(tensor, bytes, (from + i) * width, into[at + i]);
    }
  }

  /** Reads a whole matrix into rows from {@code at} on; gives the row after. */
  private int read(String name, float[][] into, int at) {
    opening.throwIfCancelled();
    TensorInfo tensor = model.tensor(name);
    int count = Math.toIntExact(tensor.shape().get(0));
    read(tensor, model.bytes(tensor), 0, count, into, at);
    return at + count;
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
    int queries = config.heads() * config.headSize();
    int keys = config.keyValueHeads() * config.headSize();
    float[][] rows = pool.take(queries + 2 * keys, config.hiddenSize());
    read(
        name + "v_proj.weight",
        rows,
        read(name + "k_proj.weight", rows, read(name + "q_proj.weight", rows, 0)));
    float[] queryBias = biasOrNone(name + "q_proj", bias);
    float[] valueBias = biasOrNone(name + "v_proj", bias);
    HadamardRotation head = HadamardRotation.hadamard(config.headSize());
    head.applyToAll(Arrays.copyOfRange(rows, queries + keys, rows.length));
    head.applyToAll(valueBias);
    if (!config.norm().queriesAndKeys()) {
      for (int i = 0; i < queries; i++) {
        scaled(rows[i]);
      }
      scaled(queryBias);
    }
    try {
      return residualReader(
          (from, count) -> Arrays.copyOfRange(rows, from, from + count),
          rows.length,
          layer + "input_layernorm.weight",
          Int8Matrix.concat(queryBias, biasOrNone(name + "k_proj", bias), valueBias),
          calibration.of(Site.QKV, index, config.hiddenSize()));
    } finally {
      pool.give(rows);
    }
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
        layer + name + ".weight",
        layer + "post_attention_layernorm.weight",
        biasOrNone(layer + name, config.mlpBias()),
        calibration.of(Site.GATE_UP, index, config.hiddenSize()));
  }

  private Int8Matrix head() {
    return residualReader(
        config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight",
        "model.norm.weight",
        new float[0],
        calibration.of(Site.LM_HEAD, 0, config.hiddenSize()));
  }

  private Int8Matrix attentionOutput(String layer, int index) {
    return residualWriter(
        layer + "self_attn.o_proj.weight",
        HadamardRotation.hadamard(config.headSize()),
        biasOrNone(layer + "self_attn.o_proj", config.outputBias()),
        calibration.of(Site.O_PROJ, index, config.heads() * config.headSize()));
  }

  private Int8Matrix down(String layer, int index) {
    return residualWriter(
        layer + "mlp.down_proj.weight",
        HadamardRotation.hadamard(Int8Weights.DOWN_HADAMARD_SIZE),
        biasOrNone(layer + "mlp.down_proj", config.mlpBias()),
        calibration.of(Site.DOWN_PROJ, index, config.intermediateSize()));
  }

  /** Gives some rows of a matrix [N, K]. */
  private interface Rows {
    float[][] of(int from, int count);
  }

  /** A projection that is read a tile at a time; as a whole it would take too much memory. */
  private Int8Matrix residualReader(
      String weight, String norm, float[] bias, ActivationStatistics statistics) {
    TensorInfo tensor = model.tensor(weight);
    ByteBuffer bytes = model.bytes(tensor);
    float[][] tile = pool.take(GptqRounding.OUTPUT_TILE, config.hiddenSize());
    try {
      return residualReader(
          (from, count) -> {
            read(tensor, bytes, from, count, tile, 0);
            return Arrays.copyOf(tile, count);
          },
          Math.toIntExact(tensor.shape().get(0)),
          norm,
          bias,
          statistics);
    } finally {
      pool.give(tile);
    }
  }

  /** A projection that reads the residual stream: rotation and the norm's gains are folded in. */
  private Int8Matrix residualReader(
      Rows rows, int outputs, String norm, float[] bias, ActivationStatistics statistics) {
    float[] gains = gains(norm);
    float[][] columns = pool.take(config.hiddenSize(), GptqRounding.OUTPUT_TILE);
    try {
      return GptqRounding.quantize(
          (from, count) -> {
            opening.throwIfCancelled();
            HadamardRotation.transpose(rows.of(from, count), columns);
            if (rotatesResidual(config)) {
              for (int k = 0; k < columns.length; k++) {
                for (int n = 0; n < count; n++) {
                  columns[k][n] *= gains[k];
                }
              }
            }
            rotation.applyToAll(columns);
            return columns;
          },
          outputs,
          bias,
          !exactProducts,
          statistics);
    } finally {
      pool.give(columns);
    }
  }

  /** A projection that adds to the residual stream: its outputs are rotated as the stream is. */
  private Int8Matrix residualWriter(
      String weight, HadamardRotation inputs, float[] bias, ActivationStatistics statistics) {
    float[][] rows = pool.take(config.hiddenSize(), statistics.inputs());
    float[][] columns = pool.take(statistics.inputs(), GptqRounding.OUTPUT_TILE);
    try {
      read(weight, rows, 0);
      if (rotatesResidual(config)) {
        rotation.applyToAll(rows);
        rotation.applyToAll(bias);
      }
      return GptqRounding.quantize(
          (from, count) -> {
            opening.throwIfCancelled();
            HadamardRotation.transpose(Arrays.copyOfRange(rows, from, from + count), columns);
            inputs.applyToAll(columns);
            return columns;
          },
          rows.length,
          bias,
          !exactProducts,
          statistics);
    } finally {
      pool.give(rows);
      pool.give(columns);
    }
  }
}
