package org.autodidact.onnxruntime.vector;

import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.vectors.Softmax;

/** Logits on the heap, [rows, vocabulary]; probabilities are computed when they are asked for. */
final class VectorLogits implements DecoderSession.Logits {
  private final int vocabulary;
  private float[] logits = new float[0];
  private float[] maxima = new float[0];
  private double[] logSums = new double[0];
  private float[] inverseTemperatures = new float[0];

  VectorLogits(int vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Makes room for {@code rows} rows of logits. */
  void layOut(int rows, float[] newInverseTemperatures) {
    if (maxima.length < rows) {
      logits = new float[Math.multiplyExact(rows, vocabulary)];
      maxima = new float[rows];
      logSums = new double[rows];
    }
    inverseTemperatures = newInverseTemperatures;
  }

  /** All rows, [rows, vocabulary], to be written. */
  float[] values() {
    return logits;
  }

  /** Computes the softmax's maximum and ln Σ of a row that has been written. */
  void finish(int row, float[] scratch) {
    int first = row * vocabulary;
    maxima[row] = Softmax.max(logits, first, vocabulary);
    logSums[row] = Math.log(Softmax.exp(logits, first, vocabulary, maxima[row], 1, scratch));
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }

  @Override
  public float logit(int row, int token) {
    return logits[row * vocabulary + token];
  }

  @Override
  public double logProbability(int row, int token) {
    return (double) logit(row, token) - maxima[row] - logSums[row];
  }

  @Override
  public void copyLogits(int row, float[] into) {
    System.arraycopy(logits, row * vocabulary, into, 0, vocabulary);
  }

  @Override
  public void copyProbabilities(int row, float[] into) {
    Softmax.probabilities(
        logits, row * vocabulary, vocabulary, maxima[row], inverseTemperatures[row], into);
  }
}
