package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.DataType;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * Rows of a checkpoint's embedding, rotated as the residual stream is when they are read: the whole
 * would take more memory than all int8 matrices of a small model. The checkpoint's file is mapped.
 * Thread-safe.
 */
public final class RotatedEmbedding {
  private static final String EMBEDDING = "model.embed_tokens.weight";

  private final TensorInfo tensor;
  private final ByteBuffer bytes;
  private final int width;
  private final HadamardRotation rotation;

  RotatedEmbedding(ModelFolder model, HadamardRotation rotation) {
    this(model.tensor(EMBEDDING), model.bytes(model.tensor(EMBEDDING)), model.config(), rotation);
  }

  private RotatedEmbedding(
      TensorInfo tensor, ByteBuffer bytes, ModelConfig config, HadamardRotation rotation) {
    this.tensor = tensor;
    this.bytes = bytes;
    this.width = config.hiddenSize();
    this.rotation = rotation;
  }

  /** Rows of float32 that no file holds, {@code [vocabulary, hidden]}. */
  public static RotatedEmbedding of(ByteBuffer floats, ModelConfig config) {
    TensorInfo tensor =
        new TensorInfo(EMBEDDING, DataType.F32, List.of(), Path.of(""), 0, floats.remaining());
    return new RotatedEmbedding(tensor, floats, config, HadamardRotation.of(config.hiddenSize()));
  }

  /** Copies the row of a token, {@code hidden} numbers, to {@code into} from {@code at} on. */
  public void copyRow(int token, float[] into, int at) {
    float[] row = ModelFolder.floats(tensor, bytes, token * width, width);
    rotation.applyToRow(row);
    System.arraycopy(row, 0, into, at, width);
  }
}
