package org.autodidact.onnxruntime.quantization;

import java.util.Arrays;
import java.util.Random;

/**
 * The few directions that most of a product's inputs point in, and how much of them lies elsewhere:
 * their second moment is taken to be {@code rest} times the identity and, on each direction, its
 * strength. In a language model one direction, hardly more than the inputs' mean, has about half of
 * all.
 *
 * @param inputs K
 * @param centre what is taken from inputs before they are rounded, about their mean, which would
 *     make their scales larger than they need be; [K], or empty where nothing is known. Vectors and
 *     strengths are of what is left.
 * @param vectors [strengths, K], orthonormal
 * @param strengths mean square of the inputs along each vector
 * @param rest mean square along any other
 */
record ActivationStatistics(
    int inputs, float[] centre, float[][] vectors, double[] strengths, double rest) {
  private static final int MOST = 24;
  private static final int ROUNDS = 4;
  private static final long SEED = 0xd1;

  /** Of inputs of which nothing is known. */
  static ActivationStatistics none(int inputs) {
    return new ActivationStatistics(inputs, new float[0], new float[0][], new double[0], 1);
  }

  /**
   * By subspace iteration.
   *
   * @param seen some inputs, each of K numbers
   */
  static ActivationStatistics of(float[][] seen) {
    int inputs = seen[0].length;
    float[] centre = centre(seen);
    float[][] rows = new float[seen.length][];
    for (int t = 0; t < rows.length; t++) {
      rows[t] = seen[t].clone();
      HadamardRotation.add(centre, -1, rows[t]);
    }
    int rank = Math.min(MOST, Math.min(rows.length, inputs) - 1);
    double total = 0;
    for (float[] row : rows) {
      total += dot(row, row) / rows.length;
    }
    if (rank < 1 || total == 0) {
      return none(inputs);
    }
    Random random = new Random(SEED);
    float[][] vectors = new float[rank][inputs];
    for (float[] vector : vectors) {
      for (int k = 0; k < inputs; k++) {
        vector[k] = (float) random.nextGaussian();
      }
    }
    orthonormalize(vectors);
    float[][] columns = HadamardRotation.transposed(rows, inputs);
    double[] strengths = new double[rank];
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < rank; i++) {
        float[] along = new float[rows.length];
        for (int k = 0; k < inputs; k++) {
          HadamardRotation.add(columns[k], vectors[i][k] / rows.length, along);
        }
        Arrays.fill(vectors[i], 0);
        for (int t = 0; t < rows.length; t++) {
          HadamardRotation.add(rows[t], along[t], vectors[i]);
        }
      }
      strengths = orthonormalize(vectors);
    }
    double rest = total;
    for (double strength : strengths) {
      rest -= strength;
    }
    // Not 0: where all is in a few directions, rounding errors matter elsewhere, too.
    rest = Math.max(rest / (inputs - rank), total / inputs * 1e-3);
    return new ActivationStatistics(inputs, centre, vectors, strengths, rest);
  }

  /**
   * Their mean, each weighed by the inverse square of its largest number, as errors of rounding
   * are: a text's first token may be a thousand times as large as others.
   */
  private static float[] centre(float[][] rows) {
    float[] centre = new float[rows[0].length];
    float weights = 0;
    for (float[] row : rows) {
      float largest = 1e-12f;
      for (float x : row) {
        largest = Math.max(largest, Math.abs(x));
      }
      float weight = 1 / (largest * largest);
      HadamardRotation.add(row, weight, centre);
      weights += weight;
    }
    for (int k = 0; k < centre.length; k++) {
      centre[k] /= weights;
    }
    return centre;
  }

  /** Gram and Schmidt's; the lengths that were left of each. */
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
    int whole = x.length / 4 * 4;
    for (int k = 0; k < whole; k += 4) {
      a += x[k] * y[k];
      b += x[k + 1] * y[k + 1];
      c += x[k + 2] * y[k + 2];
      d += x[k + 3] * y[k + 3];
    }
    for (int k = whole; k < x.length; k++) {
      a += x[k] * y[k];
    }
    return (double) a + b + c + d;
  }

  /**
   * How the errors made in columns so far are made good in the next one. Where the errors' sum
   * along the vectors is s, the error that column k should have is {@code -factors[k] · s}: what
   * makes the product's mean square error least, all later columns taking their share (GPTQ,
   * Frantar et al., 2022, whose inverse is small for a moment of this form).
   *
   * @return [K, strengths]
   */
  float[][] factors() {
    int rank = strengths.length;
    double[][] inverse = new double[rank][rank];
    for (int i = 0; i < rank; i++) {
      inverse[i][i] = Math.max(strengths[i], rest * 1e-6) / rest;
    }
    float[][] factors = new float[inputs][rank];
    for (int k = inputs - 1; k >= 0; k--) {
      double[] v = new double[rank];
      for (int i = 0; i < rank; i++) {
        v[i] = vectors[i][k];
      }
      // The moment gains v vᵀ, its inverse loses as Sherman and Morrison say.
      double[] along = new double[rank];
      double grown = 1;
      for (int i = 0; i < rank; i++) {
        for (int j = 0; j < rank; j++) {
          along[i] += inverse[i][j] * v[j];
        }
        grown += along[i] * v[i];
      }
      for (int i = 0; i < rank; i++) {
        for (int j = 0; j < rank; j++) {
          inverse[i][j] -= along[i] * along[j] / grown;
        }
        factors[k][i] = (float) (along[i] / grown);
      }
    }
    return factors;
  }
}
