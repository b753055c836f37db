package org.autodidact.onnxruntime.vector;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.quantization.Int8Matrix;
import org.autodidact.onnxruntime.quantization.Int8Source;
import org.autodidact.onnxruntime.quantization.RotatedEmbedding;

/**
 * Lets the JVM compile the kernels before a model is there. Until it has, an operation on a vector
 * takes a thousand times as long; on a model of one narrow layer there are few of them, and the
 * other core reads the tokenizer meanwhile.
 */
public final class KernelWarmUp {
  /** Not a power of two, as hidden sizes are not. */
  private static final int WIDTH = 96;

  private static final int TOKENS = 20;

  /** From here on more rounds took longer than they saved (decision 0049). */
  private static final int ROUNDS = 16;

  private static final AtomicBoolean DONE = new AtomicBoolean();

  private KernelWarmUp() {}

  /**
   * Computes with a narrow model of such heads; does nothing where this JVM has done it before.
   *
   * @param config of a model that {@link VectorWeights#supports}
   */
  public static void once(ModelConfig config) {
    if (!DONE.getAndSet(true)) {
      run(config);
    }
  }

  static void run(ModelConfig like) {
    ModelConfig config = narrow(like);
    int[] ids = new int[TOKENS + 1];
    Arrays.setAll(ids, i -> i);
    int[] prompt = Arrays.copyOf(ids, TOKENS);
    try (VectorBackend backend =
        new VectorBackend(config, new RandomSource(config), 1, config.contextLength())) {
      VectorSession session = backend.session(0);
      for (int i = 0; i < ROUNDS; i++) {
        session.cache().layOut(1, ids.length);
        session.run(
            DecoderSession.Input.ofPrompt(
                session.cache(), 0, prompt, 0, new int[] {TOKENS - 1}, 1));
        session.run(
            DecoderSession.Input.ofPrompt(session.cache(), 0, ids, TOKENS, new int[] {TOKENS}, 1));
      }
    }
  }

  /** A model of the same heads, one narrow layer of them. */
  private static ModelConfig narrow(ModelConfig config) {
    return new ModelConfig(
        config.modelType(),
        WIDTH,
        WIDTH,
        1,
        config.heads() / config.keyValueHeads(),
        1,
        config.headSize(),
        WIDTH,
        WIDTH,
        config.embeddingScale(),
        config.residualScale(),
        config.logitScale(),
        config.norm(),
        config.activation(),
        config.attentionScale(),
        List.of(new ModelConfig.LayerAttention(OptionalInt.empty(), ModelConfig.RopeSettings.NONE)),
        true,
        config.attentionBias(),
        config.outputBias(),
        config.mlpBias(),
        config.endOfTextIds());
  }

  /** Matrices of noise. */
  private record RandomSource(ModelConfig config) implements Int8Source {
    @Override
    public Int8Matrix take(String name) {
      int heads = config.heads() * config.headSize();
      int outputs =
          name.startsWith("qkv.")
              ? heads + 2 * config.keyValueHeads() * config.headSize()
              : WIDTH; // of head, o, gate, up and down
      int inputs = name.startsWith("o.") ? heads : WIDTH;
      NativeBuffer values = NativeBuffer.ofBytes((long) inputs * outputs);
      byte[] noise = new byte[inputs * outputs];
      new Random(1).nextBytes(noise);
      values.bytes().put(noise);
      float[] scales = new float[outputs];
      Arrays.fill(scales, 1e-3f);
      return new Int8Matrix(inputs, outputs, new float[inputs], values, scales, new float[outputs]);
    }

    @Override
    public RotatedEmbedding embedding() {
      ByteBuffer rows =
          ByteBuffer.allocate(WIDTH * WIDTH * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      Random random = new Random(2);
      while (rows.hasRemaining()) {
        rows.putFloat((float) random.nextGaussian());
      }
      return RotatedEmbedding.of(rows.flip(), config);
    }

    @Override
    public Cancellation opening() {
      return new Cancellation();
    }
  }
}
