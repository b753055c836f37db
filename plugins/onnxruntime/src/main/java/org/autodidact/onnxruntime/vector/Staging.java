package org.autodidact.onnxruntime.vector;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * Native memory in which columns lie while ONNX Runtime packs them, used again for the next: fresh
 * memory would cost the kernel as long as the packing. Thread-safe; freed by {@link #close()}.
 */
final class Staging implements AutoCloseable {
  private final ArrayDeque<NativeBuffer> free = new ArrayDeque<>();
  private final List<NativeBuffer> all = new ArrayList<>();

  /** Memory of one shard; returned by {@link #close()}. */
  final class Lent implements AutoCloseable {
    private final NativeBuffer buffer;
    private final int length;

    private Lent(NativeBuffer buffer, int length) {
      this.buffer = buffer;
      this.length = length;
    }

    /** A view of all that was asked for, from position 0. */
    ByteBuffer bytes() {
      return buffer.bytes().limit(length);
    }

    @Override
    public void close() {
      giveBack(buffer);
    }
  }

  /** Memory with anything in it. */
  synchronized Lent lend(long bytes) {
    int length = Math.toIntExact(bytes);
    NativeBuffer buffer = free.poll();
    if (buffer != null && buffer.bytes().capacity() < length) {
      buffer.close();
      buffer = null;
    }
    if (buffer == null) {
      buffer = NativeBuffer.ofBytes(length);
      all.add(buffer);
    }
    return new Lent(buffer, length);
  }

  private synchronized void giveBack(NativeBuffer buffer) {
    free.push(buffer);
  }

  @Override
  public synchronized void close() {
    all.forEach(NativeBuffer::close);
  }
}
