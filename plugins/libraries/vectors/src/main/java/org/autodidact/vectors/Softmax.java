package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Softmax of rows of logits of any width. Stateless. */
public final class Softmax {
  private Softmax() {}

  /** The maximum of {@code width} logits. */
  public static float max(float[] logits, int from, int width) {
    int vectorized = width / LENGTH * LENGTH;
    float max = vectorized > 0 ? SimdLanes.max(logits, from, vectorized) : Float.NEGATIVE_INFINITY;
    for (int i = vectorized; i < width; i++) {
      max = Math.max(max, logits[from + i]);
    }
    return max;
  }

  /** Writes e^((logit - max) × factor) and returns the sum. */
  public static double exp(
      float[] logits, int from, int width, float max, float factor, float[] into) {
    int vectorized = width / LENGTH * LENGTH;
    for (int i = 0; i < vectorized; i += LENGTH) {
      FloatVector.fromArray(FLOATS, logits, from + i).sub(max).mul(factor).intoArray(into, i);
    }
    SimdLanes.exp(into, 0, vectorized, 0);
    FloatVector sums = FloatVector.zero(FLOATS);
    for (int i = 0; i < vectorized; i += LENGTH) {
      sums = sums.add(FloatVector.fromArray(FLOATS, into, i));
    }
    float[] lanes = new float[LENGTH];
    sums.intoArray(lanes, 0);
    double sum = 0;
    for (float lane : lanes) {
      sum += lane;
    }
    Arrays.fill(lanes, 0);
    for (int i = vectorized; i < width; i++) {
      lanes[i - vectorized] = (logits[from + i] - max) * factor;
    }
    SimdLanes.exp(lanes, 0, LENGTH, 0);
    for (int i = vectorized; i < width; i++) {
      into[i] = lanes[i - vectorized];
      sum += into[i];
    }
    return sum;
  }

  /** Writes the probabilities of {@code width} logits × {@code factor}. */
  public static void probabilities(
      float[] logits, int from, int width, float max, float factor, float[] into) {
    float norm = (float) (1 / exp(logits, from, width, max, factor, into));
    int vectorized = width / LENGTH * LENGTH;
    for (int i = 0; i < vectorized; i += LENGTH) {
      FloatVector.fromArray(FLOATS, into, i).mul(norm).intoArray(into, i);
    }
    for (int i = vectorized; i < width; i++) {
      into[i] *= norm;
    }
  }
}
