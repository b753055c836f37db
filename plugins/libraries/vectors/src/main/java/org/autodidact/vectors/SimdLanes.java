package org.autodidact.vectors;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors of this processor: 8 or 16 numbers each.
 *
 * <p>No method of this package takes or gives a vector: where the JVM's compiler declines to inline
 * such a method, each of its vectors becomes an object, and all is ten times slower.
 */
final class SimdLanes {
  static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() >= 16
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_256;
  static final int LENGTH = FLOATS.length();
  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
  static final VectorSpecies<Byte> BYTES =
      LENGTH == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

  /** Steps of a byte on each side of 0. */
  static final int LEVELS = 127;

  /** What rows of zeros are scaled by. */
  private static final float TINY = 1e-12f;

  /** Added to a number below 2²², leaves it rounded to the nearest integer in the lowest bits. */
  static final float ROUNDING = 12582912f;

  private static final int ROUNDED_ZERO = Float.floatToRawIntBits(ROUNDING);

  /** All bits of a float but its sign. */
  private static final int UNSIGNED = Integer.MAX_VALUE;

  static final VectorShuffle<Float> SWAP_8 = swap(8);
  static final VectorShuffle<Float> SWAP_4 = swap(4);
  static final VectorShuffle<Float> SWAP_2 = swap(2);
  static final VectorShuffle<Float> SWAP_1 = swap(1);
  static final FloatVector SIGN_8 = sign(8);
  static final FloatVector SIGN_4 = sign(4);
  static final FloatVector SIGN_2 = sign(2);
  static final FloatVector SIGN_1 = sign(1);

  static {
    meetAllOperators();
  }

  private SimdLanes() {}

  /**
   * Uses operators of all kinds before anything is compiled. The compiler counts where a guess at
   * an object's class was wrong, in the vectors' own methods too; in a method that has a hundred of
   * such with all that it inlines, it guesses no more, does not know its vectors for what they are,
   * and each becomes an object. Whoever has met all kinds guesses none.
   */
  private static void meetAllOperators() {
    float[] x = new float[LENGTH];
    for (int i = 0; i < 500; i++) {
      FloatVector a = FloatVector.fromArray(FLOATS, x, 0);
      FloatVector b = a.fma(a, FloatVector.broadcast(FLOATS, 1)).sub(a).mul(0.5f);
      IntVector c = b.reinterpretAsInts().lanewise(VectorOperators.LSHL, 1).max(0);
      FloatVector d = (FloatVector) c.convert(VectorOperators.I2F, 0);
      d = d.blend(b, b.compare(VectorOperators.GT, d)).rearrange(SWAP_1);
      x[c.reduceLanes(VectorOperators.MAX) & 1] = 1;
      d.reinterpretAsInts().reinterpretAsFloats().intoArray(x, 0);
    }
  }

  /**
   * The largest of {@code width} numbers, their signs left out, and above 0. Compared as integers,
   * which are in the same order: the maximum of floats is many instructions.
   */
  static float largest(float[] x, int from, int width) {
    IntVector most = IntVector.zero(INTS);
    for (int i = 0; i < width; i += LENGTH) {
      most = most.max(FloatVector.fromArray(FLOATS, x, from + i).reinterpretAsInts().and(UNSIGNED));
    }
    return Math.max(Float.intBitsToFloat(most.reduceLanes(VectorOperators.MAX)), TINY);
  }

  /**
   * The highest of {@code width} numbers, at least a vector. Compared as integers, which are in the
   * same order once a negative number's other bits are turned over.
   */
  static float highest(float[] x, int from, int width) {
    IntVector most = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    for (int i = 0; i < width; i += LENGTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, x, from + i).reinterpretAsInts();
      IntVector turned = bits.lanewise(VectorOperators.ASHR, 31).and(UNSIGNED);
      most = most.max(bits.lanewise(VectorOperators.XOR, turned));
    }
    int highest = most.reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(highest ^ (highest >> 31 & UNSIGNED));
  }

  /**
   * Replaces {@code count} numbers x by e^(x - most), to 2e-7 of itself; what would be less than
   * 2^-126 is about that, what would be more than 2^127 about that.
   */
  static void exp(float[] x, int from, int count, float most) {
    for (int i = from; i < from + count; i += LENGTH) {
      FloatVector less = FloatVector.fromArray(FLOATS, x, i).sub(most);
      FloatVector shifted =
          less.fma(
              FloatVector.broadcast(FLOATS, 1.44269504f), FloatVector.broadcast(FLOATS, ROUNDING));
      FloatVector n = shifted.sub(FloatVector.broadcast(FLOATS, ROUNDING));
      FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -0.693145751953125f), less);
      r = n.fma(FloatVector.broadcast(FLOATS, -1.42860677e-6f), r);
      FloatVector p =
          r.fma(FloatVector.broadcast(FLOATS, 1 / 720f), FloatVector.broadcast(FLOATS, 1 / 120f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 24f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 6f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 0.5f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
      p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
      IntVector exponent =
          shifted
              .reinterpretAsInts()
              .max(ROUNDED_ZERO - 126)
              .min(ROUNDED_ZERO + 127)
              .lanewise(VectorOperators.LSHL, 23)
              .add(0x3f800000);
      p.mul(exponent.reinterpretAsFloats()).intoArray(x, i);
    }
  }

  private static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(FLOATS, i -> (i ^ distance) % LENGTH);
  }

  private static FloatVector sign(int bit) {
    float[] signs = new float[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      signs[i] = (i & bit) == 0 ? 1 : -1;
    }
    return FloatVector.fromArray(FLOATS, signs, 0);
  }
}
