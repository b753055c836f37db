package org.autodidact.vectors;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * SIMD vectors of this processor, 8 or 16 floats each, and reductions over rows.
 *
 * <p>No method of this package takes or returns a vector: where the JVM's compiler declines to
 * inline such a method, each of its vectors becomes an object, and all is ten times slower.
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

  /** The bits of 0 after {@link Int8#ROUND_TO_INTEGER} was added. */
  private static final int ZERO_BITS = Float.floatToRawIntBits(Int8.ROUND_TO_INTEGER);

  /** All bits of a float but its sign. */
  private static final int MAGNITUDE = Integer.MAX_VALUE;

  static final VectorShuffle<Float> SWAP_8 = swap(8);
  static final VectorShuffle<Float> SWAP_4 = swap(4);
  static final VectorShuffle<Float> SWAP_2 = swap(2);
  static final VectorShuffle<Float> SWAP_1 = swap(1);
  static final FloatVector SIGN_8 = sign(8);
  static final FloatVector SIGN_4 = sign(4);
  static final FloatVector SIGN_2 = sign(2);
  static final FloatVector SIGN_1 = sign(1);

  static {
    warmUpOperators();
  }

  private SimdLanes() {}

  /**
   * Runs vector operators of all kinds before anything is compiled. The compiler counts failed type
   * guesses, in the vectors' own methods too; a method that inlines a hundred such places loses all
   * guesses, no longer knows its vectors' class, and allocates each. After all kinds were seen
   * there is nothing to guess.
   */
  private static void warmUpOperators() {
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
   * max |x| of {@code width} numbers, at least {@link Int8#MIN_RANGE}. Compared as integers, which
   * are in the same order: the maximum of floats is many instructions.
   */
  static float maxAbs(float[] x, int from, int width) {
    IntVector max = IntVector.zero(INTS);
    for (int i = 0; i < width; i += LENGTH) {
      max = max.max(FloatVector.fromArray(FLOATS, x, from + i).reinterpretAsInts().and(MAGNITUDE));
    }
    return Math.max(Float.intBitsToFloat(max.reduceLanes(VectorOperators.MAX)), Int8.MIN_RANGE);
  }

  /**
   * The maximum of {@code width} numbers, at least a vector of them. Compared as integers, which
   * are in the same order once a negative number's other bits are inverted.
   */
  static float max(float[] x, int from, int width) {
    IntVector max = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    for (int i = 0; i < width; i += LENGTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, x, from + i).reinterpretAsInts();
      IntVector inverted = bits.lanewise(VectorOperators.ASHR, 31).and(MAGNITUDE);
      max = max.max(bits.lanewise(VectorOperators.XOR, inverted));
    }
    int highest = max.reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(highest ^ (highest >> 31 & MAGNITUDE));
  }

  /**
   * Replaces {@code count} numbers x by e^(x - max), with a relative error of 2e-7; results are
   * limited to about 2^-126 and 2^127.
   */
  static void exp(float[] x, int from, int count, float max) {
    for (int i = from; i < from + count; i += LENGTH) {
      FloatVector less = FloatVector.fromArray(FLOATS, x, i).sub(max);
      FloatVector shifted =
          less.fma(
              FloatVector.broadcast(FLOATS, 1.44269504f),
              FloatVector.broadcast(FLOATS, Int8.ROUND_TO_INTEGER));
      FloatVector n = shifted.sub(FloatVector.broadcast(FLOATS, Int8.ROUND_TO_INTEGER));
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
              .max(ZERO_BITS - 126)
              .min(ZERO_BITS + 127)
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
