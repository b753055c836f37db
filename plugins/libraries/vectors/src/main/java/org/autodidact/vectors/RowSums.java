package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Weighted sums of rows, several at a time. Stateless. */
public final class RowSums {
  private static final int SUMS = 4;
  private static final int WIDTH = 2 * LENGTH;

  /**
   * Rows that are read together: each is in a page of its own, of which the first table holds 64.
   */
  private static final int ROWS = 64;

  private RowSums() {}

  /**
   * Sums of {@code rows}, one for each row of weights: each number is 0 + Σ row × weight in the
   * rows' order, without fused products.
   *
   * @param rows [count, width]
   * @param weights [sums, count]
   * @param sums is overwritten, [sums, width]
   */
  public static void of(float[][] rows, float[][] weights, float[][] sums) {
    int width = rows[0].length;
    int whole = width / WIDTH * WIDTH;
    int fours = sums.length / SUMS * SUMS;
    for (float[] sum : sums) {
      Arrays.fill(sum, 0);
    }
    // What four sums have read of some rows is in the first cache for the next four.
    for (int begin = 0; begin < rows.length; begin += ROWS) {
      int end = Math.min(rows.length, begin + ROWS);
      for (int from = 0; from < whole; from += WIDTH) {
        for (int first = 0; first < fours; first += SUMS) {
          addFour(rows, begin, end, weights, sums, first, from);
        }
      }
      for (int i = 0; i < sums.length; i++) {
        addOne(rows, begin, end, weights[i], sums[i], i < fours ? whole : 0);
      }
    }
  }

  private static void addFour(
      float[][] rows, int begin, int end, float[][] weights, float[][] sums, int first, int from) {
    float[] weightsA = weights[first];
    float[] weightsB = weights[first + 1];
    float[] weightsC = weights[first + 2];
    float[] weightsD = weights[first + 3];
    FloatVector a0 = FloatVector.fromArray(FLOATS, sums[first], from);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sums[first], from + LENGTH);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sums[first + 1], from);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sums[first + 1], from + LENGTH);
    FloatVector c0 = FloatVector.fromArray(FLOATS, sums[first + 2], from);
    FloatVector c1 = FloatVector.fromArray(FLOATS, sums[first + 2], from + LENGTH);
    FloatVector d0 = FloatVector.fromArray(FLOATS, sums[first + 3], from);
    FloatVector d1 = FloatVector.fromArray(FLOATS, sums[first + 3], from + LENGTH);
    for (int m = begin; m < end; m++) {
      FloatVector x = FloatVector.fromArray(FLOATS, rows[m], from);
      FloatVector y = FloatVector.fromArray(FLOATS, rows[m], from + LENGTH);
      a0 = a0.add(x.mul(weightsA[m]));
      a1 = a1.add(y.mul(weightsA[m]));
      b0 = b0.add(x.mul(weightsB[m]));
      b1 = b1.add(y.mul(weightsB[m]));
      c0 = c0.add(x.mul(weightsC[m]));
      c1 = c1.add(y.mul(weightsC[m]));
      d0 = d0.add(x.mul(weightsD[m]));
      d1 = d1.add(y.mul(weightsD[m]));
    }
    a0.intoArray(sums[first], from);
    a1.intoArray(sums[first], from + LENGTH);
    b0.intoArray(sums[first + 1], from);
    b1.intoArray(sums[first + 1], from + LENGTH);
    c0.intoArray(sums[first + 2], from);
    c1.intoArray(sums[first + 2], from + LENGTH);
    d0.intoArray(sums[first + 3], from);
    d1.intoArray(sums[first + 3], from + LENGTH);
  }

  /** The columns from {@code from} on. */
  private static void addOne(
      float[][] rows, int begin, int end, float[] weights, float[] sums, int from) {
    for (int m = begin; m < end; m++) {
      float[] row = rows[m];
      float weight = weights[m];
      for (int n = from; n < row.length; n++) {
        sums[n] += row[n] * weight;
      }
    }
  }
}
