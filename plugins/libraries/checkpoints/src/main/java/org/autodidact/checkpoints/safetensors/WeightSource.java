package org.autodidact.checkpoints.safetensors;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Supplier;

/**
 * A tensor about to be written.
 *
 * @param shape its dimensions
 * @param bytes gives its little-endian float32 elements, called once, when it is written
 */
public record WeightSource(List<Long> shape, Supplier<ByteBuffer> bytes) {
  public WeightSource {
    shape = List.copyOf(shape);
  }
}
