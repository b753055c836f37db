package org.autodidact.onnxruntime.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.KvCache;
import org.autodidact.vectors.Int8KvLayout;
import org.autodidact.vectors.VectorSupport;

/**
 * Keys and values in 8 bits, with a scale for each head of each token ({@link Int8KvLayout}); on
 * the heap, since what reads them are vectors of the JVM.
 */
public final class Int8KvCache implements KvCache {
  private final int heads;
  private final int quarter;
  private final List<Layer> layers = new ArrayList<>();
  private int rows;
  private int places;

  /** One layer: words and scales of all rows and heads. */
  record Layer(int[] keys, float[] keyScales, int[] values, float[] valueScales) {}

  Int8KvCache(ModelConfig config) {
    this.heads = config.keyValueHeads();
    this.quarter = config.headSize() / 4;
    for (int layer = 0; layer < config.layers(); layer++) {
      layers.add(new Layer(new int[0], new float[0], new int[0], new float[0]));
    }
  }

  /** Bytes that one token of one row takes in all layers. */
  public static long bytesPerPlace(ModelConfig config) {
    return 2L * config.layers() * config.keyValueHeads() * (config.headSize() + Float.BYTES);
  }

  @Override
  public void layOut(int newRows, int newPlaces) {
    rows = newRows;
    places = newPlaces;
    long scales = (long) rows * heads * stride(places);
    if (scales <= layers.get(0).keyScales().length) {
      return;
    }
    int words = Math.toIntExact(scales * quarter);
    close();
    try {
      layers.replaceAll(
          none ->
              new Layer(
                  new int[words],
                  new float[(int) scales],
                  new int[words],
                  new float[(int) scales]));
    } catch (OutOfMemoryError e) {
      close();
      throw new StorageException(
          "no room on the heap for "
              + (2L * layers.size() * words * Integer.BYTES >> 20)
              + " MiB of keys and values; give the JVM more (-Xmx; the launcher's by"
              + " AUTODIDACT_JAVA_OPTS) or lower --memory",
          e);
    }
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int places() {
    return places;
  }

  Layer layer(int layer) {
    return layers.get(layer);
  }

  /** Places of a row in memory, whole blocks. */
  private static int stride(int places) {
    return (places + VectorSupport.BLOCK - 1) / VectorSupport.BLOCK * VectorSupport.BLOCK;
  }

  /** Where the scales of a row's head begin; its words begin at {@link #words()} times that. */
  int scales(int row, int head) {
    return (row * heads + head) * stride(places);
  }

  /** Words of a head of a token. */
  int words() {
    return quarter;
  }

  @Override
  public void copyRow(int row, int from, KvCache into, int to, int length) {
    Int8KvCache target = (Int8KvCache) into;
    for (int layer = 0; layer < layers.size(); layer++) {
      Layer source = layers.get(layer);
      Layer copy = target.layers.get(layer);
      for (int head = 0; head < heads; head++) {
        move(source, scales(row, head), from, copy, target.scales(to, head), length);
      }
    }
  }

  /** Moves one head's places; {@code at} and {@code to} are where the heads begin. */
  private void move(Layer source, int at, int from, Layer copy, int to, int length) {
    System.arraycopy(source.keyScales(), at + from, copy.keyScales(), to, length);
    System.arraycopy(source.valueScales(), at + from, copy.valueScales(), to, length);
    System.arraycopy(
        source.values(), (at + from) * quarter, copy.values(), to * quarter, length * quarter);
    if (from % VectorSupport.BLOCK == 0) {
      System.arraycopy(
          source.keys(),
          (at + from) * quarter,
          copy.keys(),
          to * quarter,
          stride(length) * quarter);
      return;
    }
    int[] key = new int[quarter];
    for (int place = 0; place < length; place++) {
      Int8KvLayout.takeKey(source.keys(), at * quarter, from + place, quarter, key);
      Int8KvLayout.putKey(key, quarter, copy.keys(), to * quarter, place);
    }
  }

  @Override
  public void setPlaces(int newPlaces, int used) {
    int kept = Math.min(places, newPlaces);
    int before = stride(places);
    int after = stride(newPlaces);
    int all = used * heads;
    // Towards the side that the rows move to, so that none is overwritten before it has moved.
    IntFunction<Integer> order = i -> after < before ? i : all - 1 - i;
    for (Layer layer : layers) {
      for (int i = 0; i < all && after != before; i++) {
        int head = order.apply(i);
        move(layer, head * before, 0, layer, head * after, kept);
      }
    }
    places = newPlaces;
  }

  @Override
  public void close() {
    layers.replaceAll(layer -> new Layer(new int[0], new float[0], new int[0], new float[0]));
  }
}
