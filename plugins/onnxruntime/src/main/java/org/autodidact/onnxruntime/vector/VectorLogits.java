package org.autodidact.onnxruntime.vector;

import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.vectors.Softmax;

/** Logits on the heap; probabilities are computed when they are asked for. */
final class VectorLogits implements DecoderSession.Logits {
  private final int vocabulary;
  private float[] logits = new float[0];
  private float[] peaks = new float[0];
  private double[] logMasses = new double[0];
  private float[] inverseTemperatures = new float[0];

  VectorLogits(int vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Makes room for some rows. */
  void layOut(int rows, float[] newInverseTemperatures) {
    if (peaks.length < rows) {
      logits = new float[Math.multiplyExact(rows, vocabulary)];
      peaks = new float[rows];
      logMasses = new double[rows];
    }
    inverseTemperatures = newInverseTemperatures;
  }

  /** All rows, to be written. */
  float[] values() {
    return logits;
  }

  /** Takes a row that has been written. */
  void weigh(int row, float[] scratch) {
    int at = row * vocabulary;
    peaks[row] = Softmax.peak(logits, at, vocabulary);
    logMasses[row] = Math.log(Softmax.weigh(logits, at, vocabulary, peaks[row], 1, scratch));
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
    return (double) logit(row, token) - peaks[row] - logMasses[row];
  }

  @Override
  public void copyLogits(int row, float[] into) {
    System.arraycopy(logits, row * vocabulary, into, 0, vocabulary);
  }

  @Override
  public void copyProbabilities(int row, float[] into) {
    Softmax.probabilities(
        logits, row * vocabulary, vocabulary, peaks[row], inverseTemperatures[row], into);
  }
}
