package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;
import static org.autodidact.vectors.VectorSupport.SIMD_BLOCK;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Layout of an int8 KV cache. A head of D numbers is D / 4 words, and a scale: of each 64 numbers,
 * word g has those at g, 16 + g, 32 + g and 48 + g, from its lowest byte on.
 *
 * <p>Values: token after token, D / 4 words each. Keys: blocks of {@link VectorSupport#SIMD_BLOCK}
 * tokens, word after word, in each the block's tokens. So both unpack into vectors without a
 * shuffle.
 */
public final class Int8KvLayout {
  /** Numbers that are packed together; a head has a multiple of them. */
  static final int PACK = 64;

  /** Words of a pack. */
  private static final int PACK_WORDS = PACK / 4;

  private Int8KvLayout() {}

  /** Whether heads of this size can be laid out so. */
  public static boolean supports(int headSize) {
    return Integer.bitCount(headSize) == 1 && headSize >= PACK;
  }

  /** Quantizes and packs a head of D numbers; returns the scale. */
  public static float pack(float[] x, int from, int size, int[] words, int to) {
    float largest = SimdLanes.maxAbs(x, from, size);
    float factor = Int8.MAX / largest;
    for (int g = 0; g < size / 4; g += LENGTH) {
      int first = from + g / PACK_WORDS * PACK + g % PACK_WORDS;
      IntVector word = IntVector.zero(SimdLanes.INTS);
      for (int b = 3; b >= 0; b--) {
        IntVector quantized =
            FloatVector.fromArray(FLOATS, x, first + b * PACK_WORDS)
                .fma(
                    FloatVector.broadcast(FLOATS, factor),
                    FloatVector.broadcast(FLOATS, Int8.ROUND_TO_INTEGER))
                .reinterpretAsInts()
                .and(255);
        word = word.lanewise(VectorOperators.LSHL, 8).or(quantized);
      }
      word.intoArray(words, to + g);
    }
    return largest / Int8.MAX;
  }

  /** Stores the packed key of one token. {@code base}: where the head's keys begin. */
  public static void putKey(int[] packed, int words, int[] keys, int base, int token) {
    int start = base + (token / SIMD_BLOCK) * SIMD_BLOCK * words + token % SIMD_BLOCK;
    for (int g = 0; g < words; g++) {
      keys[start + g * SIMD_BLOCK] = packed[g];
    }
  }

  /** Reads the packed key of one token. {@code base}: where the head's keys begin. */
  public static void getKey(int[] keys, int base, int token, int words, int[] packed) {
    int start = base + (token / SIMD_BLOCK) * SIMD_BLOCK * words + token % SIMD_BLOCK;
    for (int g = 0; g < words; g++) {
      packed[g] = keys[start + g * SIMD_BLOCK];
    }
  }

  /** Unpacks blocks of keys, unscaled, to [D, row], tokens first in each row. */
  static void unpackKeys(int[] keys, int from, int blocks, int words, float[] to, int row) {
    for (int i = 0; i < blocks * words; i++) {
      int number = i % words / PACK_WORDS * PACK + i % PACK_WORDS;
      unpack(
          keys, from + i * SIMD_BLOCK, to, number * row + i / words * SIMD_BLOCK, PACK_WORDS * row);
    }
  }

  /** Unpacks values of {@code tokens} tokens, unscaled, to [D / PACK, capacity, PACK]. */
  static void unpackValues(
      int[] values, int from, int tokens, int words, float[] to, int capacity) {
    for (int token = 0; token < tokens; token++) {
      for (int i = 0; i < words; i += PACK_WORDS) {
        unpack(
            values,
            from + token * words + i,
            to,
            (i / PACK_WORDS * capacity + token) * PACK,
            PACK_WORDS);
      }
    }
  }

  /**
   * Unpacks 16 words: their lowest bytes to {@code start}, the others {@code stride} further each.
   */
  private static void unpack(int[] words, int from, float[] to, int start, int stride) {
    for (int i = 0; i < PACK_WORDS; i += LENGTH) {
      IntVector word = IntVector.fromArray(SimdLanes.INTS, words, from + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 24)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, start + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, start + stride + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 8)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, start + 2 * stride + i);
      ((FloatVector) word.lanewise(VectorOperators.ASHR, 24).convert(VectorOperators.I2F, 0))
          .intoArray(to, start + 3 * stride + i);
    }
  }
}
