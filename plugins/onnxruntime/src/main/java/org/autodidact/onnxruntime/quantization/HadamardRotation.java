package org.autodidact.onnxruntime.quantization;

import java.util.Arrays;
import java.util.Random;

/**
 * An orthogonal matrix that spreads each channel over all of them, so that none is an outlier and 8
 * bits suffice (QuaRot: Ashkboos et al., 2024): random signs, then a Hadamard matrix over the
 * largest power of two in the size and a cosine transform over the odd factor. Applied in O(n log
 * n). Immutable, thread-safe.
 */
public final class HadamardRotation {
  private static final long SEED = 0x0407;

  /** Rows and columns of a square that stays in the first cache while it is transposed. */
  private static final int TRANSPOSED_TOGETHER = 16;

  /** Columns that are rotated together, so that they stay in the second cache (not measured). */
  private static final int COLUMNS_TOGETHER = 256;

  private final int power;
  private final int oddFactor;
  private final float[] signs;
  private final float[] cosines;

  private HadamardRotation(int power, int oddFactor, boolean signed) {
    this.power = power;
    this.oddFactor = oddFactor;
    this.signs = new float[power * oddFactor];
    Random random = new Random(SEED);
    for (int i = 0; i < signs.length; i++) {
      signs[i] = signed && random.nextBoolean() ? -1 : 1;
    }
    this.cosines = new float[oddFactor * oddFactor];
    for (int row = 0; row < oddFactor; row++) {
      for (int column = 0; column < oddFactor; column++) {
        double norm = Math.sqrt((column == 0 ? 1.0 : 2.0) / oddFactor);
        cosines[row * oddFactor + column] =
            (float) (norm * Math.cos(Math.PI * (row + 0.5) * column / oddFactor));
      }
    }
  }

  /** A rotation of rows of this size, with random signs. */
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
    return power * oddFactor;
  }

  /**
   * Multiplies by the matrix, in place: {@link #size()} rows from {@code first} on, each column of
   * which is a vector. Long rows are fast: the compiler vectorizes over neighbours.
   */
  void apply(float[][] rows, int first) {
    float norm = (float) (1 / Math.sqrt(power));
    float[][] before = new float[oddFactor][rows[first].length];
    for (int base = 0; base < size(); base += oddFactor) {
      for (int i = 0; i < oddFactor; i++) {
        System.arraycopy(rows[first + base + i], 0, before[i], 0, before[i].length);
      }
      for (int column = 0; column < oddFactor; column++) {
        float[] row = rows[first + base + column];
        Arrays.fill(row, 0);
        for (int i = 0; i < oddFactor; i++) {
          add(before[i], cosines[i * oddFactor + column] * signs[base + i] * norm, row);
        }
      }
    }
    for (int half = oddFactor; half < size(); half *= 2) {
      for (int block = first; block < first + size(); block += 2 * half) {
        for (int i = block; i < block + half; i++) {
          addAndSubtract(rows[i], rows[i + half]);
        }
      }
    }
  }

  /** Applies the matrix to each {@link #size()} of the rows. */
  void applyToAll(float[][] rows) {
    int width = rows.length == 0 ? 0 : rows[0].length;
    if (width <= 2 * COLUMNS_TOGETHER) {
      applyToWhole(rows);
      return;
    }
    for (int from = 0; from < width; from += COLUMNS_TOGETHER) {
      int to = Math.min(width, from + COLUMNS_TOGETHER);
      float[][] slice = new float[rows.length][];
      for (int i = 0; i < rows.length; i++) {
        slice[i] = Arrays.copyOfRange(rows[i], from, to);
      }
      applyToWhole(slice);
      for (int i = 0; i < rows.length; i++) {
        System.arraycopy(slice[i], 0, rows[i], from, to - from);
      }
    }
  }

  private void applyToWhole(float[][] rows) {
    for (int first = 0; first < rows.length; first += size()) {
      apply(rows, first);
    }
  }

  /**
   * Multiplies a row of {@link #size()} numbers by the matrix, in place, by the sums of {@link
   * #apply} in their order: to the same bits.
   */
  void applyToRow(float[] row) {
    float norm = (float) (1 / Math.sqrt(power));
    float[] before = new float[oddFactor];
    for (int base = 0; base < size(); base += oddFactor) {
      for (int i = 0; i < oddFactor; i++) {
        before[i] = row[base + i];
      }
      for (int column = 0; column < oddFactor; column++) {
        float sum = 0;
        for (int i = 0; i < oddFactor; i++) {
          sum += before[i] * (cosines[i * oddFactor + column] * signs[base + i] * norm);
        }
        row[base + column] = sum;
      }
    }
    for (int half = oddFactor; half < size(); half *= 2) {
      for (int block = 0; block < size(); block += 2 * half) {
        for (int i = block; i < block + half; i++) {
          float a = row[i];
          float b = row[i + half];
          row[i] = a + b;
          row[i + half] = a - b;
        }
      }
    }
  }

  /** Multiplies each {@link #size()} numbers of a row by the matrix, in place. */
  void applyToAll(float[] row) {
    float[][] column = transposed(new float[][] {row}, row.length);
    applyToAll(column);
    for (int i = 0; i < row.length; i++) {
      row[i] = column[i][0];
    }
  }

  /** The transpose of rows of {@code width} numbers. */
  static float[][] transposed(float[][] rows, int width) {
    float[][] columns = new float[width][rows.length];
    transpose(rows, columns);
    return columns;
  }

  /** Writes the transpose of rows into columns, which may be longer. */
  static void transpose(float[][] rows, float[][] columns) {
    int width = columns.length;
    for (int first = 0; first < rows.length; first += TRANSPOSED_TOGETHER) {
      int end = Math.min(rows.length, first + TRANSPOSED_TOGETHER);
      for (int from = 0; from < width; from += TRANSPOSED_TOGETHER) {
        int to = Math.min(width, from + TRANSPOSED_TOGETHER);
        for (int k = from; k < to; k++) {
          float[] column = columns[k];
          for (int i = first; i < end; i++) {
            column[i] = rows[i][k];
          }
        }
      }
    }
  }

  /** sum += factor · x; a loop that the compiler vectorizes. */
  static void add(float[] x, float factor, float[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += x[i] * factor;
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

  /** The matrix itself, [size, size]. */
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
