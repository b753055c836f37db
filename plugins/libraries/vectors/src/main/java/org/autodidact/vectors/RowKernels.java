package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * What is done to a row of numbers between two products of a decoder. Widths are multiples of
 * {@link VectorSupport#BLOCK}. Not thread-safe: each thread has its own.
 *
 * <p>A rounded row is bytes and a scale s: the number x stands as round(x / s) + 128, s being a
 * 127th of the largest.
 */
public final class RowKernels {
  /** Steps of a rest's byte in one of the first byte. */
  private static final int REST = 254;

  private final float[] lanes = new float[LENGTH];
  private float[] middle = new float[0];

  /** Rounds {@code width} numbers; the scale. */
  public float round(float[] x, int from, int width, byte[] bytes, int to) {
    float largest = SimdLanes.largest(x, from, width);
    float factor = SimdLanes.LEVELS / largest;
    for (int i = 0; i < width; i += LENGTH) {
      IntVector rounded =
          FloatVector.fromArray(FLOATS, x, from + i)
              .fma(
                  FloatVector.broadcast(FLOATS, factor),
                  FloatVector.broadcast(FLOATS, SimdLanes.ROUNDING))
              .reinterpretAsInts()
              // 128 more, in the lowest byte: the sign bit turned.
              .lanewise(VectorOperators.XOR, 128);
      ((ByteVector) rounded.castShape(SimdLanes.BYTES, 0)).intoArray(bytes, to + i);
    }
    return largest / SimdLanes.LEVELS;
  }

  /**
   * Rounds what {@link #round} left of {@code width} numbers, as further bytes whose step is a
   * 254th of the first ones': together they are good to 16 bits. For a few rows: one number after
   * another.
   */
  public void roundRest(float[] x, int from, int width, byte[] bytes, int at, byte[] rest, int to) {
    float factor = SimdLanes.LEVELS / SimdLanes.largest(x, from, width);
    for (int i = 0; i < width; i++) {
      int whole = (bytes[at + i] & 0xff) - 128;
      rest[to + i] = (byte) (Math.round((x[from + i] * factor - whole) * REST) + 128);
    }
  }

  /** Adds what a product gave of {@link #roundRest}'s bytes to what it gave of the first ones. */
  public void addRest(float[] y, int from, float[] rest, int width) {
    for (int i = 0; i < width; i++) {
      y[from + i] += rest[i] * (1f / REST);
    }
  }

  /**
   * y = x / RMS(x) (RMSNorm, Zhang and Sennrich, 2019, with a gain of 1), from its beginning on.
   */
  public void norm(float[] x, int from, int width, float epsilon, float[] y) {
    FloatVector squares = FloatVector.broadcast(FLOATS, 0);
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, from + i);
      squares = v.fma(v, squares);
    }
    squares.intoArray(lanes, 0);
    float sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += lanes[i];
    }
    double mean = sum / (double) width;
    float factor = (float) (1 / Math.sqrt(mean + epsilon));
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector.fromArray(FLOATS, x, from + i).mul(factor).intoArray(y, i);
    }
  }

  /** Takes y from x; nothing where it is empty. */
  public void subtract(float[] x, int from, float[] y) {
    for (int i = 0; i < y.length; i += LENGTH) {
      FloatVector.fromArray(FLOATS, x, from + i)
          .sub(FloatVector.fromArray(FLOATS, y, i))
          .intoArray(x, from + i);
    }
  }

  /** Adds {@code y × scale + bias} to x; no bias where it is empty. */
  public void add(float[] x, int from, float[] y, int at, float scale, float[] bias, int width) {
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector sum =
          FloatVector.fromArray(FLOATS, y, at + i)
              .fma(
                  FloatVector.broadcast(FLOATS, scale), FloatVector.fromArray(FLOATS, x, from + i));
      if (bias.length > 0) {
        sum = sum.add(FloatVector.fromArray(FLOATS, bias, i));
      }
      sum.intoArray(x, from + i);
    }
  }

  /** Replaces x by {@code x × scale + bias}, of any width; no bias where it is empty. */
  public void scale(float[] x, int from, float scale, float[] bias, int width) {
    int whole = width / LENGTH * LENGTH;
    for (int i = 0; i < whole; i += LENGTH) {
      FloatVector scaled = FloatVector.fromArray(FLOATS, x, from + i).mul(scale);
      if (bias.length > 0) {
        scaled = scaled.add(FloatVector.fromArray(FLOATS, bias, i));
      }
      scaled.intoArray(x, from + i);
    }
    for (int i = whole; i < width; i++) {
      x[from + i] = x[from + i] * scale + (bias.length > 0 ? bias[i] : 0);
    }
  }

  /** Replaces gate by silu(gate) × up (SwiGLU, Shazeer, 2020). */
  public void gate(float[] gate, int from, float[] up, int at, int width) {
    if (middle.length < width) {
      middle = new float[width];
    }
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector.fromArray(FLOATS, gate, from + i).mul(-1f).intoArray(middle, i);
    }
    SimdLanes.exp(middle, 0, width, 0);
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector.fromArray(FLOATS, gate, from + i)
          .mul(FloatVector.fromArray(FLOATS, up, at + i))
          .div(FloatVector.fromArray(FLOATS, middle, i).add(1f))
          .intoArray(gate, from + i);
    }
  }

  /**
   * Rotates halves of a head against each other (RoPE, Su et al., 2021).
   *
   * @param cosines [positions, size / 2], as {@code sines}
   */
  public void rope(float[] x, int from, int size, float[] cosines, float[] sines, int position) {
    int half = size / 2;
    int angles = position * half;
    for (int i = 0; i < half; i += LENGTH) {
      FloatVector c = FloatVector.fromArray(FLOATS, cosines, angles + i);
      FloatVector s = FloatVector.fromArray(FLOATS, sines, angles + i);
      FloatVector a = FloatVector.fromArray(FLOATS, x, from + i);
      FloatVector b = FloatVector.fromArray(FLOATS, x, from + half + i);
      a.mul(c).sub(b.mul(s)).intoArray(x, from + i);
      b.mul(c).add(a.mul(s)).intoArray(x, from + half + i);
    }
  }

  /** Multiplies each {@code size} numbers by the orthogonal Hadamard matrix; a power of two. */
  public void hadamard(float[] x, int from, int width, int size) {
    for (int half = size / 2; half >= LENGTH; half /= 2) {
      for (int block = from; block < from + width; block += 2 * half) {
        for (int i = block; i < block + half; i += LENGTH) {
          FloatVector a = FloatVector.fromArray(FLOATS, x, i);
          FloatVector b = FloatVector.fromArray(FLOATS, x, i + half);
          a.add(b).intoArray(x, i);
          a.sub(b).intoArray(x, i + half);
        }
      }
    }
    float norm = (float) (1 / Math.sqrt(size));
    for (int i = from; i < from + width; i += LENGTH) {
      FloatVector y = FloatVector.fromArray(FLOATS, x, i);
      if (LENGTH == 16) {
        y = y.fma(SimdLanes.SIGN_8, y.rearrange(SimdLanes.SWAP_8));
      }
      y = y.fma(SimdLanes.SIGN_4, y.rearrange(SimdLanes.SWAP_4));
      y = y.fma(SimdLanes.SIGN_2, y.rearrange(SimdLanes.SWAP_2));
      y = y.fma(SimdLanes.SIGN_1, y.rearrange(SimdLanes.SWAP_1));
      y.mul(norm).intoArray(x, i);
    }
  }
}
