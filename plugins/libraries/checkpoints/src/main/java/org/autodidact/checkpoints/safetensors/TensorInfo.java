package org.autodidact.checkpoints.safetensors;

import java.nio.file.Path;
import java.util.List;

/**
 * Where a tensor lies.
 *
 * @param name as in the checkpoint, for example {@code model.layers.0.self_attn.q_proj.weight}
 * @param type its element type
 * @param shape its dimensions, outermost first
 * @param file the safetensors file that holds it, symbolic links resolved
 * @param offset its first byte in that file
 * @param byteLength its length in bytes
 */
public record TensorInfo(
    String name, DataType type, List<Long> shape, Path file, long offset, long byteLength) {
  public TensorInfo {
    shape = List.copyOf(shape);
  }

  /** This tensor under another name. */
  public TensorInfo named(String other) {
    return new TensorInfo(other, type, shape, file, offset, byteLength);
  }

  /** Number of elements. */
  public long elements() {
    return byteLength / type.bytes();
  }
}
