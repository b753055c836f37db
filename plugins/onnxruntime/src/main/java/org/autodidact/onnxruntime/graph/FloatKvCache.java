package org.autodidact.onnxruntime.graph;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.KvCache;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * KV cache in float32: for each layer a buffer of keys and one of values, each [slots, key-value
 * heads, capacity, head size]. ONNX Runtime reads and writes them in place.
 */
public final class FloatKvCache implements KvCache {
  /** A run may be one token wider than its longest sequence ({@link DecoderSession.Input}). */
  private static final int PADDING = 1;

  private final Shape shape;
  private final List<String> names = new ArrayList<>();
  private final List<NativeBuffer> buffers = new ArrayList<>();
  private int slots;
  private int capacity;

  FloatKvCache(ModelConfig config) {
    this.shape = Shape.of(config);
    for (int layer = 0; layer < config.layers(); layer++) {
      names.add(layer + ".key");
      names.add(layer + ".value");
    }
  }

  /** What one token of one slot takes in one buffer, and the query heads that read a head. */
  record Shape(int heads, int headSize, int queriesPerHead) {
    static Shape of(ModelConfig config) {
      int heads = config.keyValueHeads();
      return new Shape(heads, config.headSize(), config.heads() / heads);
    }
  }

  /** Receives some slots of one buffer: the end of an input's name, the values, their shape. */
  interface SlotsOfBuffer {
    void accept(String name, FloatBuffer values, long... shape);
  }

  /** Bytes that one token of one sequence takes in all layers. */
  public static long bytesPerToken(ModelConfig config) {
    return 2L * config.layers() * config.keyValueHeads() * config.headSize() * Float.BYTES;
  }

  @Override
  public void layOut(int newSlots, int newCapacity) {
    slots = newSlots;
    capacity = newCapacity + PADDING;
    long floats = slots * slotFloats();
    if (buffers.isEmpty() || buffers.get(0).capacity() < floats) {
      close();
      try {
        names.forEach(name -> buffers.add(NativeBuffer.ofFloats(floats)));
      } catch (RuntimeException | Error e) {
        close(); // all buffers or none: the next call asks the first one what there is
        throw e;
      }
    }
  }

  List<String> names() {
    return names;
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public int slots() {
    return slots;
  }

  private long slotFloats() {
    return (long) shape.heads() * capacity * shape.headSize();
  }

  /** Calls {@code action} with slots {@code first} to {@code first + count} of every buffer. */
  void forEach(int first, int count, SlotsOfBuffer action) {
    for (int i = 0; i < buffers.size(); i++) {
      action.accept(
          names.get(i),
          buffers.get(i).floats(first * slotFloats(), count * slotFloats()),
          count,
          shape.heads(),
          capacity,
          shape.headSize());
    }
  }

  @Override
  public void copySlot(int slot, int from, KvCache into, int targetSlot, int length) {
    FloatKvCache target = (FloatKvCache) into;
    long skipped = (long) from * shape.headSize();
    long floats = (long) length * shape.headSize();
    for (int i = 0; i < buffers.size(); i++) {
      NativeBuffer buffer = target.buffers.get(i);
      for (int head = 0; head < shape.heads(); head++) {
        long source = firstFloat(slot, head, capacity) + skipped;
        long start = firstFloat(targetSlot, head, target.capacity);
        buffers.get(i).copy(source, buffer, start, floats);
      }
    }
  }

  /** Where a head of a slot begins in a buffer whose slots have {@code capacity} tokens. */
  private long firstFloat(int slot, int head, int capacity) {
    return ((long) slot * shape.heads() + head) * capacity * shape.headSize();
  }

  @Override
  public void setCapacity(int wanted, int used) {
    int newCapacity = wanted + PADDING;
    int all = used * shape.heads();
    long kept = (long) Math.min(capacity, newCapacity) * shape.headSize();
    for (NativeBuffer buffer : buffers) {
      for (int i = 0; i < all; i++) {
        // In the direction that heads move to, so that none is overwritten before it has moved.
        int head = newCapacity < capacity ? i : all - 1 - i;
        buffer.copy(firstFloat(0, head, capacity), buffer, firstFloat(0, head, newCapacity), kept);
      }
    }
    capacity = newCapacity;
  }

  /** Sets tokens {@code from} to {@code to} of a slot to 0. */
  void clear(int slot, int from, int to) {
    for (NativeBuffer buffer : buffers) {
      for (int head = 0; head < shape.heads(); head++) {
        buffer.clear(
            firstFloat(slot, head, capacity) + (long) from * shape.headSize(),
            (long) (to - from) * shape.headSize());
      }
    }
  }

  @Override
  public void close() {
    buffers.forEach(NativeBuffer::close);
    buffers.clear();
  }
}
