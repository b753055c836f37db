package org.autodidact.vectors;

import static org.autodidact.vectors.Lanes.FLOATS;
import static org.autodidact.vectors.Lanes.LENGTH;
import static org.autodidact.vectors.Vectors.BLOCK;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How keys and values of one head stand in 8 bits. A head of D numbers is D / 4 words, and a scale:
 * word g has the numbers g, D/4 + g, D/2 + g and 3D/4 + g, from its lowest byte on.
 *
 * <p>Values: place after place, D / 4 words each. Keys: blocks of {@link Vectors#BLOCK} places,
 * word after word, in each the block's places. So both unfold into vectors without a shuffle.
 */
public final class ByteRows {
  private ByteRows() {}

  /** Whether heads of this size can stand so. */
  public static boolean supports(int headSize) {
    return Integer.bitCount(headSize) == 1 && headSize >= 4 * BLOCK;
  }

  /** Packs a head of D numbers; the scale. */
  public static float pack(float[] x, int from, int size, int[] words, int to) {
    float largest = Lanes.largest(x, from, size);
    float factor = Lanes.LEVELS / largest;
    int quarter = size / 4;
    for (int g = 0; g < quarter; g += LENGTH) {
      IntVector word = IntVector.zero(Lanes.INTS);
      for (int b = 3; b >= 0; b--) {
        IntVector part =
            FloatVector.fromArray(FLOATS, x, from + b * quarter + g)
                .fma(
                    FloatVector.broadcast(FLOATS, factor),
                    FloatVector.broadcast(FLOATS, Lanes.ROUNDING))
                .reinterpretAsInts()
                .and(255);
        word = word.lanewise(VectorOperators.LSHL, 8).or(part);
      }
      word.intoArray(words, to + g);
    }
    return largest / Lanes.LEVELS;
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

  /** Unfolds blocks of keys: [blocks, D, places of a block]. */
  static void unfoldKeys(int[] keys, int from, int blocks, int quarter, float[] to) {
    int part = quarter * BLOCK;
    for (int block = 0; block < blocks; block++) {
      unfold(keys, from + block * part, to, 4 * block * part, part);
    }
  }

  /** Unfolds places of values: [places, D]. */
  static void unfoldValues(int[] values, int from, int places, int quarter, float[] to) {
    for (int place = 0; place < places; place++) {
      unfold(values, from + place * quarter, to, 4 * place * quarter, quarter);
    }
  }

  /** Unfolds {@code count} words: first their lowest bytes, then the others. */
  private static void unfold(int[] words, int from, float[] to, int at, int count) {
    for (int i = 0; i < count; i += LENGTH) {
      IntVector word = IntVector.fromArray(Lanes.INTS, words, from + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 24)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, at + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, at + count + i);
      ((FloatVector)
              word.lanewise(VectorOperators.LSHL, 8)
                  .lanewise(VectorOperators.ASHR, 24)
                  .convert(VectorOperators.I2F, 0))
          .intoArray(to, at + 2 * count + i);
      ((FloatVector) word.lanewise(VectorOperators.ASHR, 24).convert(VectorOperators.I2F, 0))
          .intoArray(to, at + 3 * count + i);
    }
  }
}
