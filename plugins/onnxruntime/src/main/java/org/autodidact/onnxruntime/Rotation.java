package org.autodidact.onnxruntime;

import java.util.Random;

/**
 * An orthogonal matrix that spreads each number over all of its row, so that no channel stands out
 * and 8 bits suffice (QuaRot: Ashkboos et al., 2024): random signs, then a Hadamard matrix over the
 * power of two in the size and a cosine transform over the rest. Applied in O(n log n); the inverse
 * is never needed. Stateless after construction, thread-safe.
 */
final class Rotation {
  private static final long SEED = 0x0407;
  private final int power;
  private final int rest;
  private final float[] signs;
  private final float[] cosines;

  private Rotation(int power, int rest, boolean signed) {
    this.power = power;
    this.rest = rest;
    this.signs = new float[power * rest];
    Random random = new Random(SEED);
    for (int i = 0; i < signs.length; i++) {
      signs[i] = signed && random.nextBoolean() ? -1 : 1;
    }
    this.cosines = new float[rest * rest];
    for (int row = 0; row < rest; row++) {
      for (int column = 0; column < rest; column++) {
        double norm = Math.sqrt((column == 0 ? 1.0 : 2.0) / rest);
        cosines[row * rest + column] =
            (float) (norm * Math.cos(Math.PI * (row + 0.5) * column / rest));
      }
    }
  }

  /** Of rows of this size. */
  static Rotation of(int size) {
    int power = Integer.lowestOneBit(size);
    return new Rotation(power, size / power, true);
  }

  /** The plain Hadamard matrix, symmetric and its own inverse, of a power of two. */
  static Rotation hadamard(int size) {
    if (Integer.bitCount(size) != 1) {
      throw new IllegalArgumentException(size + " is no power of two");
    }
    return new Rotation(size, 1, false);
  }

  int size() {
    return power * rest;
  }

  /** Replaces the row of {@link #size()} numbers from {@code from} by itself times the matrix. */
  void apply(float[] values, int from) {
    int size = size();
    for (int i = 0; i < size; i++) {
      values[from + i] *= signs[i];
    }
    if (rest > 1) {
      float[] part = new float[rest];
      for (int at = from; at < from + size; at += rest) {
        System.arraycopy(values, at, part, 0, rest);
        for (int column = 0; column < rest; column++) {
          float sum = 0;
          for (int row = 0; row < rest; row++) {
            sum += part[row] * cosines[row * rest + column];
          }
          values[at + column] = sum;
        }
      }
    }
    for (int half = 1; half < power; half *= 2) {
      int stride = half * rest;
      for (int block = from; block < from + size; block += 2 * stride) {
        for (int i = block; i < block + stride; i++) {
          float a = values[i];
          float b = values[i + stride];
          values[i] = a + b;
          values[i + stride] = a - b;
        }
      }
    }
    float norm = (float) (1 / Math.sqrt(power));
    for (int i = from; i < from + size; i++) {
      values[i] *= norm;
    }
  }

  /** The matrix itself, row by row. */
  float[] matrix() {
    int size = size();
    float[] matrix = new float[size * size];
    for (int i = 0; i < size; i++) {
      matrix[i * size + i] = 1;
      apply(matrix, i * size);
    }
    return matrix;
  }
}
