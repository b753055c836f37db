package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;
import static org.autodidact.vectors.VectorSupport.BLOCK;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How keys and values of one head stand in 8 bits. A head of D numbers is D / 4 words, and a scale:
 * of each 64 numbers, word g has those at g, 16 + g, 32 + g and 48 + g, from its lowest byte on.
 *
 * <p>Values: place after place, D / 4 words each. Keys: blocks of {@link VectorSupport#BLOCK}
 * places, word after word, in each the block's places. So both unfold into vectors without a
 * shuffle.
 */
public final class Int8KvLayout {
  /** Numbers that are packed together; a head has a multiple of them. */
  static final int PART = 64;

  /** Their words. */
  private static final int QUARTER = PART / 4;

  private Int8KvLayout() {}

  /** Whether heads of this size can stand so. */
  public static boolean supports(int headSize) {
    return Integer.bitCount(headSize) == 1 && headSize >= PART;
  }

  /** Packs a head of D numbers; the scale. */
  public static float pack(float[] x, int from, int size, int[] words, int to) {
    float largest = SimdLanes.largest(x, from, size);
    float factor = SimdLanes.LEVELS / largest;
    for (int g = 0; g < size / 4; g += LENGTH) {
      int first = from + g / QUARTER * PART + g % QUARTER;
      IntVector word = IntVector.zero(SimdLanes.INTS);
      for (int b = 3; b >= 0; b--) {
        IntVector part =
            FloatVector.fromArray(FLOATS, x, first + b * QUARTER)
                .fma(
                    FloatVector.broadcast(FLOATS, factor),
                    FloatVector.broadcast(FLOATS, SimdLanes.ROUNDING))
                .reinterpretAsInts()
                .and(255);
        word = word.lanewise(VectorOperators.LSHL, 8).or(part);
      }
      word.intoArray(words, to + g);
    }
    return largest / SimdLanes.LEVELS;
  }

  /** Puts a packed head into the place {@code place} of keys that begin at {@code base}. */
  public static void putKey(int[] packed, int quarter, int[] keys, int base, int place) {
    int at = base + (place / BLOCK) * BLOCK * quarter + place % BLOCK;
    for (int g = 0; g < quarter; g++) {
      keys[at + g * BLOCK] = packed[g];
    }
  }

  /** The reverse. */
  public static void takeKey(int[] keys, int base, int place, int quarter, int[] packed) {
    int at = base + (place / BLOCK) * BLOCK * quarter + place % BLOCK;
    for (int g = 0; g < quarter; g++) {
      packed[g] = keys[at + g * BLOCK];
    }
  }

  /** Unfolds blocks of keys: [D, row], places first in each row. */
  static void unfoldKeys(int[] keys, int from, int blocks, int words, float[] to, int row) {
    for (int i = 0; i < blocks * words; i++) {
      int number = i % words / QUARTER * PART + i % QUARTER;
      unfold(keys, from + i * BLOCK, to, number * row + i / words * BLOCK, QUARTER * row);
    }
  }

  /** Unfolds places of values: [D / PART, most, PART], of which the first are there. */
  static void unfoldValues(int[] values, int from, int places, int words, float[] to, int most) {
    for (int place = 0; place < places; place++) {
      for (int i = 0; i < words; i += QUARTER) {
        unfold(values, from + place * words + i, to, (i / QUARTER * most + place) * PART, QUARTER);
      }
    }
  }

  /** Unfolds 16 words: first their lowest bytes, then the others, so far apart. */
  private static void unfold(int[] words, int from, float[] to, int at, int apart) {
    for (int i = 0; i < QUARTER; i += LENGTH) {
      IntVector word = IntVector.fromArray(SimdLanes.INTS, words, from + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 24)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, at + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, at + apart + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 8)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, at + 2 * apart + i);
      ((FloatVector) word.lanewise(VectorOperators.ASHR, 24).convert(VectorOperators.I2F, 0))
          .intoArray(to, at + 3 * apart + i);
    }
  }
}
