package org.autodidact.onnxruntime.quantization;

import java.util.Arrays;
import java.util.Random;

/**
 * An orthogonal matrix that spreads each number over all of its row, so that no channel stands out
 * and 8 bits suffice (QuaRot: Ashkboos et al., 2024): random signs, then a Hadamard matrix over the
 * power of two in the size and a cosine transform over the rest. Applied in O(n log n); the inverse
 * is never needed. Stateless after construction, thread-safe.
 */
public final class HadamardRotation {
  private static final long SEED = 0x0407;

  private final int power;
  private final int rest;
  private final float[] signs;
  private final float[] cosines;

  private HadamardRotation(int power, int rest, boolean signed) {
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
  static HadamardRotation of(int size) {
    int power = Integer.lowestOneBit(size);
    return new HadamardRotation(power, size / power, true);
  }

  /** The plain Hadamard matrix, symmetric and its own inverse, of a power of two. */
  public static HadamardRotation hadamard(int size) {
    if (Integer.bitCount(size) != 1) {
      throw new IllegalArgumentException(size + " is no power of two");
    }
    return new HadamardRotation(size, 1, false);
  }

  int size() {
    return power * rest;
  }

  /**
   * Replaces {@link #size()} rows, from the {@code first} on, such that each of their columns,
   * taken as a row, is itself times the matrix. Rows of some length are fast: the compiler makes
   * vectors of what is done alike to neighbours.
   */
  void apply(float[][] rows, int first) {
    float norm = (float) (1 / Math.sqrt(power));
    float[][] before = new float[rest][rows[first].length];
    for (int at = 0; at < size(); at += rest) {
      for (int i = 0; i < rest; i++) {
        System.arraycopy(rows[first + at + i], 0, before[i], 0, before[i].length);
      }
      for (int column = 0; column < rest; column++) {
        float[] row = rows[first + at + column];
        Arrays.fill(row, 0);
        for (int i = 0; i < rest; i++) {
          add(before[i], cosines[i * rest + column] * signs[at + i] * norm, row);
        }
      }
    }
    for (int half = rest; half < size(); half *= 2) {
      for (int block = first; block < first + size(); block += 2 * half) {
        for (int i = block; i < block + half; i++) {
          addAndSubtract(rows[i], rows[i + half]);
        }
      }
    }
  }

  /** {@link #apply} to all rows there are, some after others. */
  void applyToAll(float[][] rows) {
    for (int first = 0; first < rows.length; first += size()) {
      apply(rows, first);
    }
  }

  /** Replaces each {@link #size()} numbers of a row by themselves times the matrix. */
  void applyToAll(float[] row) {
    float[][] column = transposed(new float[][] {row}, row.length);
    applyToAll(column);
    for (int i = 0; i < row.length; i++) {
      row[i] = column[i][0];
    }
  }

  /** Rows' columns, each of {@code width}. */
  static float[][] transposed(float[][] rows, int width) {
    float[][] columns = new float[width][rows.length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < width; k++) {
        columns[k][i] = rows[i][k];
      }
    }
    return columns;
  }

  /** Adds a row, times a number, to another; a loop that the compiler makes vectors of. */
  static void add(float[] x, float times, float[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += x[i] * times;
    }
  }

  private static void addAndSubtract(float[] x, float[] y) {
    for (int i = 0; i < x.length; i++) {
      float a = x[i];
      float b = y[i];
      x[i] = a + b;
      y[i] = a - b;
    }
  }

  /** The matrix itself, row by row. */
  public float[] matrix() {
    int size = size();
    float[] matrix = new float[size * size];
    float[][] rows = new float[size][size];
    for (int i = 0; i < size; i++) {
      rows[i][i] = 1;
    }
    apply(rows, 0);
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] = rows[i % size][i / size];
    }
    return matrix;
  }
}
