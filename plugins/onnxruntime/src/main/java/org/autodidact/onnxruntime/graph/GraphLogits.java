package org.autodidact.onnxruntime.graph;

import java.nio.FloatBuffer;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * Logits and probabilities that a decoder graph wrote.
 *
 * @param logits [rows × vocabulary]
 * @param probabilities [rows × vocabulary], at the row's temperature
 * @param peaks a row's highest logit and its probability, at temperature 1
 */
public record GraphLogits(
    FloatBuffer logits, FloatBuffer probabilities, FloatBuffer peaks, int vocabulary)
    implements DecoderSession.Logits {

  @Override
  public float logit(int row, int token) {
    return logits.get(row * vocabulary + token);
  }

  @Override
  public double logProbability(int row, int token) {
    return (double) logit(row, token) - peaks.get(2 * row) + Math.log(peaks.get(2 * row + 1));
  }

  @Override
  public void copyLogits(int row, float[] into) {
    logits.get(row * vocabulary, into);
  }

  @Override
  public void copyProbabilities(int row, float[] into) {
    probabilities.get(row * vocabulary, into);
  }
}
