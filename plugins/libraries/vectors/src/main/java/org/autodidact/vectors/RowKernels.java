package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Kernels over rows of activations: RMSNorm, RoPE, SwiGLU gate, Hadamard rotation, quantization.
 * Widths are multiples of {@link VectorSupport#SIMD_BLOCK}. Not thread-safe: each thread has its
 * own.
 *
 * <p>A quantized row is unsigned bytes and a scale s: x is stored as round(x / s) + 128 ({@link
 * Int8}). With 16 bits, a second row of low bytes has the remainders in steps of s / 254.
 */
public final class RowKernels {
  /** Steps of the low byte in one of the high byte. */
  private static final int LOW_STEPS = 254;

  private final float[] lanes = new float[LENGTH];
  private float[] exponentials = new float[0];

  /** Quantizes {@code width} numbers to bytes; returns the scale. */
  public float quantize(float[] x, int from, int width, byte[] bytes, int to) {
    float largest = SimdLanes.maxAbs(x, from, width);
    float factor = Int8.MAX / largest;
    for (int i = 0; i < width; i += LENGTH) {
      IntVector quantized =
          FloatVector.fromArray(FLOATS, x, from + i)
              .fma(
                  FloatVector.broadcast(FLOATS, factor),
                  FloatVector.broadcast(FLOATS, Int8.ROUND_TO_INTEGER))
              .reinterpretAsInts()
              // Adds 128 in the lowest byte: inverts its sign bit.
              .lanewise(VectorOperators.XOR, 128);
      ((ByteVector) quantized.castShape(SimdLanes.BYTES, 0)).intoArray(bytes, to + i);
    }
    return largest / Int8.MAX;
  }

  /**
   * Quantizes the remainders of {@link #quantize} as low bytes, which makes 16 bits. For a few
   * rows: one number after another.
   *
   * @param high the bytes that {@link #quantize} wrote, from {@code highFrom} on
   */
  public void quantizeLow(
      float[] x, int from, int width, byte[] high, int highFrom, byte[] low, int lowFrom) {
    float factor = Int8.MAX / SimdLanes.maxAbs(x, from, width);
    for (int i = 0; i < width; i++) {
      int highByte = (high[highFrom + i] & 0xff) - Int8.ZERO_POINT;
      low[lowFrom + i] =
          (byte) (Math.round((x[from + i] * factor - highByte) * LOW_STEPS) + Int8.ZERO_POINT);
    }
  }

  /** Adds a matmul's output for low bytes to that for high bytes. */
  public void addLow(float[] y, int from, float[] low, int width) {
    for (int i = 0; i < width; i++) {
      y[from + i] += low[i] * (1f / LOW_STEPS);
    }
  }

  /** y = x / RMS(x) (RMSNorm: Zhang and Sennrich, 2019) with a gain of 1, y from its start. */
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

  /** x -= y; nothing where y is empty. */
  public void subtract(float[] x, int from, float[] y) {
    for (int i = 0; i < y.length; i += LENGTH) {
      FloatVector.fromArray(FLOATS, x, from + i)
          .sub(FloatVector.fromArray(FLOATS, y, i))
          .intoArray(x, from + i);
    }
  }

  /** x += y × scale + bias; no bias where it is empty. */
  public void add(float[] x, int from, float[] y, int yFrom, float scale, float[] bias, int width) {
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector sum =
          FloatVector.fromArray(FLOATS, y, yFrom + i)
              .fma(
                  FloatVector.broadcast(FLOATS, scale), FloatVector.fromArray(FLOATS, x, from + i));
      if (bias.length > 0) {
        sum = sum.add(FloatVector.fromArray(FLOATS, bias, i));
      }
      sum.intoArray(x, from + i);
    }
  }

  /** x = x × scale + bias, of any width; no bias where it is empty. */
  public void scale(float[] x, int from, float scale, float[] bias, int width) {
    int vectorized = width / LENGTH * LENGTH;
    for (int i = 0; i < vectorized; i += LENGTH) {
      FloatVector scaled = FloatVector.fromArray(FLOATS, x, from + i).mul(scale);
      if (bias.length > 0) {
        scaled = scaled.add(FloatVector.fromArray(FLOATS, bias, i));
      }
      scaled.intoArray(x, from + i);
    }
    for (int i = vectorized; i < width; i++) {
      x[from + i] = x[from + i] * scale + (bias.length > 0 ? bias[i] : 0);
    }
  }

  /** gate = silu(gate) × up (SwiGLU: Shazeer, 2020). */
  public void gate(float[] gate, int from, float[] up, int upFrom, int width) {
    if (exponentials.length < width) {
      exponentials = new float[width];
    }
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector.fromArray(FLOATS, gate, from + i).mul(-1f).intoArray(exponentials, i);
    }
    SimdLanes.exp(exponentials, 0, width, 0);
    for (int i = 0; i < width; i += LENGTH) {
      FloatVector.fromArray(FLOATS, gate, from + i)
          .mul(FloatVector.fromArray(FLOATS, up, upFrom + i))
          .div(FloatVector.fromArray(FLOATS, exponentials, i).add(1f))
          .intoArray(gate, from + i);
    }
  }

  /**
   * Rotates a head by its position (RoPE: Su et al., 2021), its halves being the coordinates.
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

  /** Multiplies each {@code size} numbers, a power of two, by the orthogonal Hadamard matrix. */
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
