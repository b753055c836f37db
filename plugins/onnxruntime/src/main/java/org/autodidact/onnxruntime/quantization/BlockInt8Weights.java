package org.autodidact.onnxruntime.quantization;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.vectors.Int8;

/**
 * A checkpoint's weights in 8 bits with a scale for each block of 64 inputs, for ONNX Runtime's
 * MatMulNBits, which quantizes activations itself. Fast where few rows are computed together. Owns
 * its memory.
 */
public final class BlockInt8Weights implements QuantizedWeights {
  public static final String HEAD = "head";

  /** Inputs that share a scale; the operator's {@code block_size}. */
  public static final int BLOCK_SIZE = 64;

  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut(
          "int8-weights",
          ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.WIDTH_NOT_MULTIPLE_OF_64);

  private final ModelFolder model;
  private final Map<String, BlockMatrix> matrices = new ConcurrentHashMap<>();

  /**
   * Weights of a projection.
   *
   * @param inputs K
   * @param outputs N
   * @param values [N, K / 64, 64] unsigned bytes with 128 for 0
   * @param scales [N × K / 64]
   */
  public record BlockMatrix(int inputs, int outputs, NativeBuffer values, float[] scales) {}

  private BlockInt8Weights(ModelFolder model) {
    this.model = model;
  }

  /** Quantizes a checkpoint's weights. */
  public static BlockInt8Weights of(ModelFolder model, Cancellation opening) {
    ModelConfig config = model.config();
    CAPABILITIES.require(model.path(), config, "; use int8 or fp32");
    BlockInt8Weights weights = new BlockInt8Weights(model);
    try {
      IntStream.range(0, config.layers())
          .parallel()
          .forEach(
              layer -> {
                opening.throwIfCancelled();
                weights.quantize(layer);
              });
      opening.throwIfCancelled();
      weights.quantize(
          HEAD, config.tiedEmbeddings() ? "model.embed_tokens" : "lm_head", config.hiddenSize());
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  private void quantize(int layer) {
    ModelConfig config = model.config();
    int hidden = config.hiddenSize();
    String name = "model.layers." + layer + ".";
    for (String projection : List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")) {
      quantize(name + projection, name + projection, hidden);
    }
    quantize(
        name + "self_attn.o_proj", name + "self_attn.o_proj", config.heads() * config.headSize());
    for (String projection : List.of("mlp.gate_proj", "mlp.up_proj")) {
      quantize(name + projection, name + projection, hidden);
    }
    quantize(name + "mlp.down_proj", name + "mlp.down_proj", config.intermediateSize());
  }

  private void quantize(String name, String tensor, int inputs) {
    float[] weights = model.floats(model.tensor(tensor + ".weight"));
    float[] scales = new float[weights.length / BLOCK_SIZE];
    byte[] bytes = new byte[weights.length];
    for (int block = 0; block < scales.length; block++) {
      int from = block * BLOCK_SIZE;
      float largest = Int8.MIN_RANGE;
      for (int i = from; i < from + BLOCK_SIZE; i++) {
        largest = Math.max(largest, Math.abs(weights[i]));
      }
      scales[block] = largest / Int8.MAX;
      float inverse = Int8.MAX / largest;
      for (int i = from; i < from + BLOCK_SIZE; i++) {
        bytes[i] = (byte) (Math.round(weights[i] * inverse) + Int8.ZERO_POINT);
      }
    }
    NativeBuffer values = NativeBuffer.ofBytes(bytes.length);
    values.bytes().put(bytes);
    matrices.put(name, new BlockMatrix(inputs, weights.length / inputs, values, scales));
  }

  public BlockMatrix matrix(String name) {
    return matrices.get(name);
  }

  @Override
  public void addInitializers(OrtEnvironment environment, Map<String, OnnxTensor> initializers)
      throws OrtException {
    for (Map.Entry<String, BlockMatrix> entry : matrices.entrySet()) {
      BlockMatrix m = entry.getValue();
      initializers.put(
          entry.getKey() + ".values",
          OnnxTensor.createTensor(
              environment,
              m.values().bytes(),
              new long[] {m.outputs(), m.inputs() / BLOCK_SIZE, BLOCK_SIZE},
              OnnxJavaType.UINT8));
    }
  }

  @Override
  public void close() {
    matrices.values().forEach(m -> m.values().close());
  }
}
