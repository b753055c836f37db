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
 * KV cache in int8, with a scale for each head of each token ({@link Int8KvLayout}); on the heap,
 * where the Vector API reads it.
 */
public final class Int8KvCache implements KvCache {
  private final int heads;
  private final int words;
  private final List<LayerCache> layers = new ArrayList<>();
  private int slots;
  private int capacity;

  /**
   * Keys and values of one layer: for each slot, key-value head and token, {@link #words} words and
   * a scale.
   */
  record LayerCache(int[] keys, float[] keyScales, int[] values, float[] valueScales) {
    static LayerCache of(int words, int scales) {
      return new LayerCache(new int[words], new float[scales], new int[words], new float[scales]);
    }
  }

  Int8KvCache(ModelConfig config) {
    this.heads = config.keyValueHeads();
    this.words = config.headSize() / 4;
    for (int layer = 0; layer < config.layers(); layer++) {
      layers.add(LayerCache.of(0, 0));
    }
  }

  /** Bytes that one token of one sequence takes in all layers. */
  public static long bytesPerToken(ModelConfig config) {
    return 2L * config.layers() * config.keyValueHeads() * (config.headSize() + Float.BYTES);
  }

  @Override
  public void layOut(int newSlots, int newCapacity) {
    slots = newSlots;
    capacity = newCapacity;
    long scaleCount = (long) slots * heads * stride(capacity);
    if (scaleCount <= layers.get(0).keyScales().length) {
      return;
    }
    int wordCount = Math.toIntExact(scaleCount * words);
    close();
    try {
      layers.replaceAll(none -> LayerCache.of(wordCount, (int) scaleCount));
    } catch (OutOfMemoryError e) {
      close();
      throw new StorageException(
          "no room on the heap for "
              + (2L * layers.size() * wordCount * Integer.BYTES >> 20)
              + " MiB of keys and values; give the JVM more (-Xmx; the launcher's by"
              + " AUTODIDACT_JAVA_OPTS) or lower --memory",
          e);
    }
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public int capacity() {
    return capacity;
  }

  LayerCache layer(int layer) {
    return layers.get(layer);
  }

  /** Tokens of a slot in memory: {@code tokens} rounded up to whole SIMD blocks. */
  private static int stride(int tokens) {
    return (tokens + VectorSupport.SIMD_BLOCK - 1)
        / VectorSupport.SIMD_BLOCK
        * VectorSupport.SIMD_BLOCK;
  }

  /** Index of the first scale of a slot's head; its first word is at {@link #words} times that. */
  int firstScale(int slot, int head) {
    return (slot * heads + head) * stride(capacity);
  }

  /** Words of one head of one token: a quarter of the head size. */
  int words() {
    return words;
  }

  @Override
  public void copySlot(int slot, int from, KvCache into, int targetSlot, int length) {
    Int8KvCache target = (Int8KvCache) into;
    for (int layer = 0; layer < layers.size(); layer++) {
      for (int head = 0; head < heads; head++) {
        copyHead(
            layers.get(layer),
            firstScale(slot, head),
            from,
            target.layers.get(layer),
            target.firstScale(targetSlot, head),
            length);
      }
    }
  }

  /**
   * Copies {@code length} tokens of one head, from the {@code from}th, to the start of a head.
   *
   * @param first index of the source head's first scale
   * @param targetFirst index of the target head's first scale
   */
  private void copyHead(
      LayerCache source, int first, int from, LayerCache target, int targetFirst, int length) {
    int start = first + from;
    System.arraycopy(source.keyScales(), start, target.keyScales(), targetFirst, length);
    System.arraycopy(source.valueScales(), start, target.valueScales(), targetFirst, length);
    System.arraycopy(
        source.values(), start * words, target.values(), targetFirst * words, length * words);
    if (from % VectorSupport.SIMD_BLOCK == 0) {
      System.arraycopy(
          source.keys(), start * words, target.keys(), targetFirst * words, stride(length) * words);
      return;
    }
    int[] key = new int[words];
    for (int token = 0; token < length; token++) {
      Int8KvLayout.getKey(source.keys(), first * words, from + token, words, key);
      Int8KvLayout.putKey(key, words, target.keys(), targetFirst * words, token);
    }
  }

  @Override
  public void setCapacity(int newCapacity, int used) {
    int kept = Math.min(capacity, newCapacity);
    int before = stride(capacity);
    int after = stride(newCapacity);
    int all = used * heads;
    // In the direction that heads move to, so that none is overwritten before it has moved.
    IntFunction<Integer> order = i -> after < before ? i : all - 1 - i;
    for (LayerCache layer : layers) {
      for (int i = 0; i < all && after != before; i++) {
        int head = order.apply(i);
        copyHead(layer, head * before, 0, layer, head * after, kept);
      }
    }
    capacity = newCapacity;
  }

  @Override
  public void close() {
    layers.replaceAll(layer -> LayerCache.of(0, 0));
  }
}
