package org.autodidact.onnxruntime.graph;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.KvCache;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * Keys and values of all rows, a buffer for each layer's keys and one for its values, each [rows,
 * key-value heads, places, head size]. A session reads and writes it in place. The memory is kept
 * and laid out anew from call to call; it grows where a call needs more.
 */
public final class FloatKvCache implements KvCache {
  /** A run may be one token wider than its longest text. */
  private static final int PADDING = 1;

  private final Shape shape;
  private final List<String> names = new ArrayList<>();
  private final List<NativeBuffer> buffers = new ArrayList<>();
  private int rows;
  private int places;

  FloatKvCache(ModelConfig config) {
    this.shape =
        new Shape(
            config.keyValueHeads(), config.headSize(), config.heads() / config.keyValueHeads());
    for (int layer = 0; layer < config.layers(); layer++) {
      names.add(layer + ".key");
      names.add(layer + ".value");
    }
  }

  /** What a row's place looks like in one buffer, and the queries that read it. */
  record Shape(int heads, int headSize, int queriesPerHead) {}

  /** Takes one buffer's rows: the end of an input's name, the numbers, their shape. */
  interface RowsOfLayer {
    void accept(String name, FloatBuffer values, long... shape);
  }

  /** Bytes that one token of one row takes in all layers. */
  public static long bytesPerPlace(ModelConfig config) {
    return 2L * config.layers() * config.keyValueHeads() * config.headSize() * Float.BYTES;
  }

  @Override
  public void layOut(int rows, int places) {
    this.rows = rows;
    this.places = places + PADDING;
    long floats = rows * rowFloats();
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

  Shape shape() {
    return shape;
  }

  List<String> names() {
    return names;
  }

  @Override
  public int places() {
    return places;
  }

  @Override
  public int rows() {
    return rows;
  }

  private long rowFloats() {
    return (long) shape.heads() * places * shape.headSize();
  }

  /** Hands over rows {@code first} to {@code first + count} of every buffer. */
  void forEach(int first, int count, RowsOfLayer action) {
    for (int i = 0; i < buffers.size(); i++) {
      action.accept(
          names.get(i),
          buffers.get(i).floats(first * rowFloats(), count * rowFloats()),
          count,
          shape.heads(),
          places,
          shape.headSize());
    }
  }

  @Override
  public void copyRow(int row, int from, KvCache into, int to, int length) {
    FloatKvCache target = (FloatKvCache) into;
    for (int i = 0; i < buffers.size(); i++) {
      for (int h = 0; h < shape.heads(); h++) {
        buffers
            .get(i)
            .copy(
                place(row, h, places) + (long) from * shape.headSize(),
                target.buffers.get(i),
                place(to, h, target.places),
                (long) length * shape.headSize());
      }
    }
  }

  /** Where a head of a row begins, in rows of {@code places} places. */
  private long place(int row, int head, int places) {
    return ((long) row * shape.heads() + head) * places * shape.headSize();
  }

  @Override
  public void setPlaces(int wanted, int used) {
    int newPlaces = wanted + PADDING;
    int all = used * shape.heads();
    long kept = (long) Math.min(places, newPlaces) * shape.headSize();
    for (NativeBuffer buffer : buffers) {
      for (int i = 0; i < all; i++) {
        // Towards the side that the rows move to, so that none is overwritten before it has moved.
        int head = newPlaces < places ? i : all - 1 - i;
        buffer.copy(place(0, head, places), buffer, place(0, head, newPlaces), kept);
      }
    }
    places = newPlaces;
  }

  /** Sets the places {@code from} to {@code to} of a row to 0. */
  void clear(int row, int from, int to) {
    for (NativeBuffer buffer : buffers) {
      for (int h = 0; h < shape.heads(); h++) {
        buffer.clear(
            place(row, h, places) + (long) from * shape.headSize(),
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
