package org.autodidact.onnxruntime.quantization;

import java.nio.ByteBuffer;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * Rows of a checkpoint's embedding, rotated as the residual stream is when they are read: the whole
 * would take more memory than all int8 matrices of a small model. The checkpoint's file is mapped.
 * Thread-safe.
 */
public final class RotatedEmbedding {
  private final TensorInfo tensor;
  private final ByteBuffer bytes;
  private final int width;
  private final HadamardRotation rotation;

  RotatedEmbedding(ModelFolder model, HadamardRotation rotation) {
    this.tensor = model.tensor("model.embed_tokens.weight");
    this.bytes = model.bytes(tensor);
    this.width = model.config().hiddenSize();
    this.rotation = rotation;
  }

  /** Copies the row of a token, {@code hidden} numbers, to {@code into} from {@code at} on. */
  public void copyRow(int token, float[] into, int at) {
    float[] row = ModelFolder.floats(tensor, bytes, token * width, width);
    rotation.applyToRow(row);
    System.arraycopy(row, 0, into, at, width);
  }
}
