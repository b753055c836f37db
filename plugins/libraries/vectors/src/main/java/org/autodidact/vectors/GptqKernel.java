package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * GPTQ's rounding of a row of weights, which read one input, for a block of outputs (Frantar et
 * al., 2022). Every number is computed by itself, by the operations of a scalar loop in their
 * order. Not thread-safe.
 */
public final class GptqKernel {
  private static final int VECTORS = 4;

  /** Outputs of a block. */
  public static final int BLOCK = VECTORS * LENGTH;

  private final float maxPair;
  private final float[] previous = new float[BLOCK];

  /** Errors so far along each direction, [rank, BLOCK]. */
  private final float[] errors;

  private final int rank;

  /**
   * @param maxPair the most that two neighbours of one sign may be together where that is limited
   */
  public GptqKernel(int rank, float maxPair) {
    this.rank = rank;
    this.maxPair = maxPair;
    this.errors = new float[rank * BLOCK];
  }

  /** Begins another block of outputs. */
  public void begin() {
    java.util.Arrays.fill(errors, 0);
  }

  /**
   * Rounds a row.
   *
   * @param exact the weights in quantization steps, {@link #BLOCK} of them from {@code from} on
   * @param target what they aim at before errors are made up for, alike
   * @param feedback factors of the errors, {@code rank} from {@code row} on
   * @param along the directions' coordinates, {@code rank} from {@code row} on
   * @param limits whether the pair of this row and the one before is limited
   * @param bytes takes the rounded weights, from {@code to} on
   */
  public void round(
      float[] exact,
      float[] target,
      int from,
      float[] feedback,
      float[] along,
      int row,
      boolean limits,
      byte[] bytes,
      int to) {
    FloatVector a = FloatVector.fromArray(FLOATS, target, from);
    FloatVector b = FloatVector.fromArray(FLOATS, target, from + LENGTH);
    FloatVector c = FloatVector.fromArray(FLOATS, target, from + 2 * LENGTH);
    FloatVector d = FloatVector.fromArray(FLOATS, target, from + 3 * LENGTH);
    for (int i = 0; i < rank; i++) {
      FloatVector factor = FloatVector.broadcast(FLOATS, feedback[row + i]);
      int at = i * BLOCK;
      a = a.sub(FloatVector.fromArray(FLOATS, errors, at).mul(factor));
      b = b.sub(FloatVector.fromArray(FLOATS, errors, at + LENGTH).mul(factor));
      c = c.sub(FloatVector.fromArray(FLOATS, errors, at + 2 * LENGTH).mul(factor));
      d = d.sub(FloatVector.fromArray(FLOATS, errors, at + 3 * LENGTH).mul(factor));
    }
    float[] steps = target;
    a.intoArray(steps, from);
    b.intoArray(steps, from + LENGTH);
    c.intoArray(steps, from + 2 * LENGTH);
    d.intoArray(steps, from + 3 * LENGTH);
    roundBlock(steps, from, limits, bytes, to);
    a = FloatVector.fromArray(FLOATS, steps, from).sub(FloatVector.fromArray(FLOATS, exact, from));
    b =
        FloatVector.fromArray(FLOATS, steps, from + LENGTH)
            .sub(FloatVector.fromArray(FLOATS, exact, from + LENGTH));
    c =
        FloatVector.fromArray(FLOATS, steps, from + 2 * LENGTH)
            .sub(FloatVector.fromArray(FLOATS, exact, from + 2 * LENGTH));
    d =
        FloatVector.fromArray(FLOATS, steps, from + 3 * LENGTH)
            .sub(FloatVector.fromArray(FLOATS, exact, from + 3 * LENGTH));
    for (int i = 0; i < rank; i++) {
      FloatVector factor = FloatVector.broadcast(FLOATS, along[row + i]);
      int at = i * BLOCK;
      FloatVector.fromArray(FLOATS, errors, at).add(a.mul(factor)).intoArray(errors, at);
      FloatVector.fromArray(FLOATS, errors, at + LENGTH)
          .add(b.mul(factor))
          .intoArray(errors, at + LENGTH);
      FloatVector.fromArray(FLOATS, errors, at + 2 * LENGTH)
          .add(c.mul(factor))
          .intoArray(errors, at + 2 * LENGTH);
      FloatVector.fromArray(FLOATS, errors, at + 3 * LENGTH)
          .add(d.mul(factor))
          .intoArray(errors, at + 3 * LENGTH);
    }
  }

  /** Rounds to integers from -127 to 127, in place, and where a pair is too large, further down. */
  private void roundBlock(float[] steps, int from, boolean limits, byte[] bytes, int to) {
    for (int n = 0; n < BLOCK; n += LENGTH) {
      FloatVector step =
          FloatVector.fromArray(FLOATS, steps, from + n)
              .add(Int8.ROUND_TO_INTEGER)
              .sub(Int8.ROUND_TO_INTEGER);
      step = step.blend(Int8.MAX, step.compare(VectorOperators.GT, Int8.MAX));
      step = step.blend(-Int8.MAX, step.compare(VectorOperators.LT, -Int8.MAX));
      if (limits) {
        FloatVector before = FloatVector.fromArray(FLOATS, previous, n);
        FloatVector sum = step.add(before);
        FloatVector product = step.mul(before);
        VectorMask<Float> sameSign = product.compare(VectorOperators.GT, 0);
        step =
            step.blend(
                FloatVector.broadcast(FLOATS, maxPair).sub(before),
                sum.compare(VectorOperators.GT, maxPair).and(sameSign));
        step =
            step.blend(
                FloatVector.broadcast(FLOATS, -maxPair).sub(before),
                sum.compare(VectorOperators.LT, -maxPair).and(sameSign));
      }
      step.intoArray(previous, n);
      step.intoArray(steps, from + n);
      IntVector whole = step.add(Int8.ROUND_TO_INTEGER).reinterpretAsInts(); // in the lowest byte
      ((ByteVector) whole.castShape(SimdLanes.BYTES, 0)).intoArray(bytes, to + n);
    }
  }
}
