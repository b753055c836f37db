package org.autodidact.pytorch.loss;

import java.util.Arrays;
import java.util.SortedMap;

/** Mean cross-entropy of the answers' tokens: supervised fine-tuning. */
record CrossEntropyLoss() implements TrainingLoss {
  @Override
  public boolean needsReference() {
    return false;
  }

  @Override
  public Value value(Scores scores, double weight) {
    double loss = 0;
    for (double sum : scores.sums()) {
      loss -= weight * sum;
    }
    double[] gradients = new double[scores.sums().length];
    Arrays.fill(gradients, -weight);
    return new Value(loss, gradients);
  }

  @Override
  public LossTerms terms(Scores scores, double weight) {
    int sequences = scores.lengths().length;
    double[] rows = new double[4 * sequences];
    Arrays.fill(rows, 3 * sequences, 4 * sequences, -weight);
    return new LossTerms(0, weight, 0, 0, rows);
  }

  @Override
  public void addMetrics(Scores scores, double weight, SortedMap<String, Double> metrics) {}
}
