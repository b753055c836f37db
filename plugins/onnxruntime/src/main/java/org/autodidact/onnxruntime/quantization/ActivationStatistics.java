package org.autodidact.onnxruntime.quantization;

import java.util.Arrays;
import java.util.Random;
import org.autodidact.vectors.Int8;
import org.autodidact.vectors.RowSums;
import org.autodidact.vectors.VectorSupport;

/**
 * Mean and principal directions of a projection's inputs: their second moment is approximated by
 * {@code residual} times the identity and, along each principal direction, its eigenvalue. In a
 * language model one direction, hardly more than the mean, has about half of the whole.
 *
 * @param inputs K
 * @param mean what is subtracted from inputs before they are quantized, about their mean, as it
 *     would enlarge their scales; [K], or empty where nothing is known. Directions and eigenvalues
 *     are of the centred inputs.
 * @param directions [rank, K], orthonormal
 * @param eigenvalues mean square of the inputs along each direction [rank]
 * @param residual mean square along any other direction
 */
record ActivationStatistics(
    int inputs, float[] mean, float[][] directions, double[] eigenvalues, double residual) {
  /** Directions that are kept, at most (not measured). */
  private static final int MAX_RANK = 24;

  /** Rounds of the subspace iteration (not measured). */
  private static final int ITERATIONS = 4;

  private static final long SEED = 0xd1;

  /** Statistics of inputs of which nothing is known. */
  static ActivationStatistics none(int inputs) {
    return new ActivationStatistics(inputs, new float[0], new float[0][], new double[0], 1);
  }

  /**
   * Computes the statistics by subspace iteration.
   *
   * @param activations some inputs [T, K]
   */
  static ActivationStatistics of(float[][] activations) {
    int inputs = activations[0].length;
    float[] mean = mean(activations);
    float[][] rows = new float[activations.length][];
    for (int t = 0; t < rows.length; t++) {
      rows[t] = activations[t].clone();
      HadamardRotation.add(mean, -1, rows[t]);
    }
    int rank = Math.min(MAX_RANK, Math.min(rows.length, inputs) - 1);
    double total = 0;
    for (float[] row : rows) {
      total += dot(row, row) / rows.length;
    }
    if (rank < 1 || total == 0) {
      return none(inputs);
    }
    Random random = new Random(SEED);
    float[][] directions = new float[rank][inputs];
    for (float[] direction : directions) {
      for (int k = 0; k < inputs; k++) {
        direction[k] = (float) random.nextGaussian();
      }
    }
    orthonormalize(directions);
    float[][] columns = HadamardRotation.transposed(rows, inputs);
    double[] eigenvalues = new double[rank];
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
      float[][] scaled = new float[rank][inputs];
      for (int i = 0; i < rank; i++) {
        for (int k = 0; k < inputs; k++) {
          scaled[i][k] = directions[i][k] / rows.length;
        }
      }
      float[][] along = new float[rank][rows.length];
      sums(columns, scaled, along);
      sums(rows, along, directions);
      eigenvalues = orthonormalize(directions);
    }
    double residual = total;
    for (double eigenvalue : eigenvalues) {
      residual -= eigenvalue;
    }
    // Above 0: even where all is along a few directions, errors elsewhere must count.
    residual = Math.max(residual / (inputs - rank), total / inputs * 1e-3);
    return new ActivationStatistics(inputs, mean, directions, eigenvalues, residual);
  }

  /** Sums of rows, one for each row of weights. */
  private static void sums(float[][] rows, float[][] weights, float[][] sums) {
    if (VectorSupport.available()) {
      RowSums.of(rows, weights, sums);
      return;
    }
    for (int i = 0; i < sums.length; i++) {
      Arrays.fill(sums[i], 0);
      for (int m = 0; m < rows.length; m++) {
        HadamardRotation.add(rows[m], weights[i][m], sums[i]);
      }
    }
  }

  /**
   * The mean of rows, each weighted by the inverse square of its largest number, as its
   * quantization errors are: a text's first token may be a thousand times as large as others.
   */
  private static float[] mean(float[][] rows) {
    float[] mean = new float[rows[0].length];
    float weights = 0;
    for (float[] row : rows) {
      float largest = Int8.MIN_RANGE;
      for (float x : row) {
        largest = Math.max(largest, Math.abs(x));
      }
      float weight = 1 / (largest * largest);
      HadamardRotation.add(row, weight, mean);
      weights += weight;
    }
    for (int k = 0; k < mean.length; k++) {
      mean[k] /= weights;
    }
    return mean;
  }

  /**
   * Gram-Schmidt, in place; returns each vector's length after the projections onto earlier ones.
   */
  private static double[] orthonormalize(float[][] vectors) {
    double[] lengths = new double[vectors.length];
    for (int i = 0; i < vectors.length; i++) {
      for (int j = 0; j < i; j++) {
        HadamardRotation.add(vectors[j], (float) -dot(vectors[i], vectors[j]), vectors[i]);
      }
      lengths[i] = Math.sqrt(dot(vectors[i], vectors[i]));
      for (int k = 0; k < vectors[i].length && lengths[i] > 0; k++) {
        vectors[i][k] /= (float) lengths[i];
      }
    }
    return lengths;
  }

  private static double dot(float[] x, float[] y) {
    // Four sums, none of which waits for another.
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    int unrolled = x.length / 4 * 4;
    for (int k = 0; k < unrolled; k += 4) {
      a += x[k] * y[k];
      b += x[k + 1] * y[k + 1];
      c += x[k + 2] * y[k + 2];
      d += x[k + 3] * y[k + 3];
    }
    for (int k = unrolled; k < x.length; k++) {
      a += x[k] * y[k];
    }
    return (double) a + b + c + d;
  }

  /**
   * The feedback by which later columns make up for the quantization errors of earlier ones (GPTQ:
   * Frantar et al., 2022, whose inverse is small for a moment of this form). Where the errors so
   * far sum to s along the directions, column k aims at an error of {@code -feedback[k] · s}; this
   * minimizes the projection's mean square error, as all later columns do the same.
   *
   * @return [K, rank]
   */
  float[][] feedback() {
    int rank = eigenvalues.length;
    double[][] inverse = new double[rank][rank];
    for (int i = 0; i < rank; i++) {
      inverse[i][i] = Math.max(eigenvalues[i], residual * 1e-6) / residual;
    }
    float[][] feedback = new float[inputs][rank];
    for (int k = inputs - 1; k >= 0; k--) {
      double[] v = new double[rank];
      for (int i = 0; i < rank; i++) {
        v[i] = directions[i][k];
      }
      // The moment grows by v vᵀ; its inverse is updated by the Sherman-Morrison formula.
      double[] along = new double[rank];
      double denominator = 1;
      for (int i = 0; i < rank; i++) {
        for (int j = 0; j < rank; j++) {
          along[i] += inverse[i][j] * v[j];
        }
        denominator += along[i] * v[i];
      }
      for (int i = 0; i < rank; i++) {
        for (int j = 0; j < rank; j++) {
          inverse[i][j] -= along[i] * along[j] / denominator;
        }
        feedback[k][i] = (float) (along[i] / denominator);
      }
    }
    return feedback;
  }
}
