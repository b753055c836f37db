package org.autodidact.onnxruntime.quantization;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.graph.BlockInt8Projections;
import org.autodidact.onnxruntime.graph.Projections;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * A checkpoint's weights rounded to 8 bits in blocks of 64 inputs, a scale a block; activations are
 * rounded by the product itself. Fast where few rows are computed together. Owns its memory.
 */
public final class BlockInt8Weights implements QuantizedWeights {
  public static final String HEAD = "head";
  public static final int BLOCK = 64;

  public static final BackendCapabilities CAPABILITIES =
      BackendCapabilities.allBut(
          "int8-weights",
          ModelFeature.HEAD_SIZE_NOT_MULTIPLE_OF_16,
          ModelFeature.WIDTH_NOT_MULTIPLE_OF_64);
  private static final int LEVELS = 127;
  private static final int ZERO = 128;

  private final ModelFolder model;
  private final Map<String, Matrix> matrices = new ConcurrentHashMap<>();

  /**
   * A product's weights.
   *
   * @param inputs K
   * @param outputs N
   * @param values [N, K / 64, 64] bytes with 128 for 0
   * @param scales [N × K / 64]
   */
  public record Matrix(int inputs, int outputs, NativeBuffer values, float[] scales) {}

  private BlockInt8Weights(ModelFolder model) {
    this.model = model;
  }

  /** {@link #of(ModelFolder, Cancellation)} that nobody cancels. */
  public static BlockInt8Weights of(ModelFolder model) {
    return of(model, new Cancellation());
  }

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
                weights.make(layer);
              });
      opening.throwIfCancelled();
      weights.round(
          HEAD, config.tiedEmbeddings() ? "model.embed_tokens" : "lm_head", config.hiddenSize());
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  private void make(int layer) {
    ModelConfig config = model.config();
    int hidden = config.hiddenSize();
    String name = "model.layers." + layer + ".";
    for (String part : new String[] {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}) {
      round(name + part, name + part, hidden);
    }
    round(name + "self_attn.o_proj", name + "self_attn.o_proj", config.heads() * config.headSize());
    round(name + "mlp.gate_proj", name + "mlp.gate_proj", hidden);
    round(name + "mlp.up_proj", name + "mlp.up_proj", hidden);
    round(name + "mlp.down_proj", name + "mlp.down_proj", config.intermediateSize());
  }

  private void round(String name, String tensor, int inputs) {
    float[] weights = model.floats(model.tensor(tensor + ".weight"));
    float[] scales = new float[weights.length / BLOCK];
    byte[] bytes = new byte[weights.length];
    for (int block = 0; block < scales.length; block++) {
      int from = block * BLOCK;
      float most = 1e-12f;
      for (int i = from; i < from + BLOCK; i++) {
        most = Math.max(most, Math.abs(weights[i]));
      }
      scales[block] = most / LEVELS;
      float inverse = LEVELS / most;
      for (int i = from; i < from + BLOCK; i++) {
        bytes[i] = (byte) (Math.round(weights[i] * inverse) + ZERO);
      }
    }
    NativeBuffer values = NativeBuffer.ofBytes(bytes.length);
    values.bytes().put(bytes);
    matrices.put(name, new Matrix(inputs, weights.length / inputs, values, scales));
  }

  public Matrix matrix(String name) {
    return matrices.get(name);
  }

  @Override
  public Projections projections(OnnxGraphBuilder graph) {
    return new BlockInt8Projections(model, this, graph);
  }

  @Override
  public void give(OrtEnvironment environment, Map<String, OnnxTensor> given) throws OrtException {
    for (Map.Entry<String, Matrix> entry : matrices.entrySet()) {
      Matrix m = entry.getValue();
      given.put(
          entry.getKey() + ".values",
          OnnxTensor.createTensor(
              environment,
              m.values().bytes(),
              new long[] {m.outputs(), m.inputs() / BLOCK, BLOCK},
              OnnxJavaType.UINT8));
    }
  }

  @Override
  public void close() {
    matrices.values().forEach(m -> m.values().close());
  }
}
