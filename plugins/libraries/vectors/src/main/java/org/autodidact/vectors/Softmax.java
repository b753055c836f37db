package org.autodidact.vectors;

import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Weights of rows of logits of any width. Stateless. */
public final class Softmax {
  private Softmax() {}

  /** The highest of {@code width} logits. */
  public static float peak(float[] logits, int from, int width) {
    int whole = width / LENGTH * LENGTH;
    float peak = whole > 0 ? SimdLanes.highest(logits, from, whole) : Float.NEGATIVE_INFINITY;
    for (int i = whole; i < width; i++) {
      peak = Math.max(peak, logits[from + i]);
    }
    return peak;
  }

  /** Writes e^((logit - peak) × factor) and gives the sum. */
  public static double weigh(
      float[] logits, int from, int width, float peak, float factor, float[] into) {
    int whole = width / LENGTH * LENGTH;
    for (int i = 0; i < whole; i += LENGTH) {
      FloatVector.fromArray(FLOATS, logits, from + i).sub(peak).mul(factor).intoArray(into, i);
    }
    SimdLanes.exp(into, 0, whole, 0);
    FloatVector mass = FloatVector.zero(FLOATS);
    for (int i = 0; i < whole; i += LENGTH) {
      mass = mass.add(FloatVector.fromArray(FLOATS, into, i));
    }
    float[] rest = new float[LENGTH];
    mass.intoArray(rest, 0);
    double sum = 0;
    for (float part : rest) {
      sum += part;
    }
    Arrays.fill(rest, 0);
    for (int i = whole; i < width; i++) {
      rest[i - whole] = (logits[from + i] - peak) * factor;
    }
    SimdLanes.exp(rest, 0, LENGTH, 0);
    for (int i = whole; i < width; i++) {
      into[i] = rest[i - whole];
      sum += into[i];
    }
    return sum;
  }

  /** Writes the probabilities of {@code width} logits times {@code factor}. */
  public static void probabilities(
      float[] logits, int from, int width, float peak, float factor, float[] into) {
    float norm = (float) (1 / weigh(logits, from, width, peak, factor, into));
    int whole = width / LENGTH * LENGTH;
    for (int i = 0; i < whole; i += LENGTH) {
      FloatVector.fromArray(FLOATS, into, i).mul(norm).intoArray(into, i);
    }
    for (int i = whole; i < width; i++) {
      into[i] *= norm;
    }
  }
}
