package org.autodidact.onnxruntime;

import java.util.Arrays;
import java.util.Random;

/**
 * An orthogonal matrix that spreads each number over all of its row, so that no channel stands out
 * and 8 bits suffice (QuaRot: Ashkboos et al., 2024): random signs, then a Hadamard matrix over the
 * power of two in the size and a cosine transform over the rest. Applied in O(n log n); the inverse
 * is never needed. Stateless after construction, thread-safe.
 */
final class Rotation {
  private static final long SEED = 0x0407;

  /** Rows that are rotated at once, so that the compiler can use vectors. */
  private static final int TOGETHER = 64;

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
    apply(values, from, 1);
  }

  /**
   * The same for {@code width} rows at once, that stand one beside another: the first numbers of
   * all, then their second ones, and so on.
   */
  void apply(float[] values, int from, int width) {
    int part = rest * width;
    for (int i = 0; i < size(); i++) {
      scale(values, from + i * width, width, signs[i]);
    }
    if (rest > 1) {
      float[] before = new float[part];
      for (int at = from; at < from + size() * width; at += part) {
        System.arraycopy(values, at, before, 0, part);
        Arrays.fill(values, at, at + part, 0);
        for (int column = 0; column < rest; column++) {
          for (int row = 0; row < rest; row++) {
            float cosine = cosines[row * rest + column];
            for (int i = 0; i < width; i++) {
              values[at + column * width + i] += before[row * width + i] * cosine;
            }
          }
        }
      }
    }
    for (int half = 1; half < power; half *= 2) {
      int stride = half * part;
      for (int block = from; block < from + size() * width; block += 2 * stride) {
        for (int i = block; i < block + stride; i++) {
          float a = values[i];
          float b = values[i + stride];
          values[i] = a + b;
          values[i + stride] = a - b;
        }
      }
    }
    scale(values, from, size() * width, (float) (1 / Math.sqrt(power)));
  }

  private static void scale(float[] values, int from, int count, float factor) {
    for (int i = from; i < from + count; i++) {
      values[i] *= factor;
    }
  }

  /** {@link #apply} to all rows there are, one after another. */
  void applyToAll(float[] values) {
    float[] beside = new float[TOGETHER * size()];
    for (int from = 0; from < values.length; from += beside.length) {
      int rows = Math.min(TOGETHER, (values.length - from) / size());
      for (int row = 0; row < rows; row++) {
        for (int i = 0; i < size(); i++) {
          beside[i * rows + row] = values[from + row * size() + i];
        }
      }
      apply(beside, 0, rows);
      for (int row = 0; row < rows; row++) {
        for (int i = 0; i < size(); i++) {
          values[from + row * size() + i] = beside[i * rows + row];
        }
      }
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
