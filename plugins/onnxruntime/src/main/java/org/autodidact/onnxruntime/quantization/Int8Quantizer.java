package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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

  /** The rotation of the residual stream, or of what projections read of it. */
  private final HadamardRotation rotation;

  /**
   * Quantizes to nearest, or with statistics of the inputs by GPTQ.
   *
   * @param exactProducts whether this processor multiplies unsigned by signed bytes exactly ({@link
   *     Int8MatMulCheck}); where not, weights are limited so that it does ({@link GptqRounding})
   */
  public Int8Quantizer(
      ModelFolder model, boolean exactProducts, Calibration calibration, Cancellation opening) {
    this.model = model;
    this.config = model.config();
    this.exactProducts = exactProducts;
    this.calibration = calibration;
    this.opening = opening;
    this.rotation =
        rotatesResidual(config)
            ? HadamardRotation.of(config.hiddenSize())
            : HadamardRotation.hadamard(inputHadamardSize(config));
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
    float[][] all =
        Stream.of(query, rows(name + "k_proj.weight"), value)
            .flatMap(Arrays::stream)
            .toArray(float[][]::new);
    return residualReader(
        (from, count) -> Arrays.copyOfRange(all, from, from + count),
        all.length,
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
    TensorInfo tensor = model.tensor(layer + name + ".weight");
    ByteBuffer bytes = model.bytes(tensor);
    return residualReader(
        (from, count) -> rows(tensor, bytes, from, count),
        config.intermediateSize(),
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
        HadamardRotation.hadamard(Int8Weights.DOWN_HADAMARD_SIZE),
        biasOrNone(layer + "mlp.down_proj", config.mlpBias()),
        calibration.of(Site.DOWN_PROJ, index, config.intermediateSize()));
  }

  private Int8Matrix head() {
    TensorInfo tensor =
        model.tensor(config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight");
    ByteBuffer bytes = model.bytes(tensor);
    return residualReader(
        (from, count) -> rows(tensor, bytes, from, count),
        config.vocabularySize(),
        "model.norm.weight",
        new float[0],
        calibration.of(Site.LM_HEAD, 0, config.hiddenSize()));
  }

  /** Reads some rows of a matrix [N, K]; as a whole it would take too much memory. */
  private interface Rows {
    float[][] of(int from, int count);
  }

  private Int8Matrix residualReader(
      Rows rows, int outputs, String norm, float[] bias, ActivationStatistics statistics) {
    float[] gains = gains(norm);
    return GptqRounding.quantize(
        (from, count) -> {
          opening.throwIfCancelled();
          return foldedColumns(rows.of(from, count), gains);
        },
        outputs,
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
}
