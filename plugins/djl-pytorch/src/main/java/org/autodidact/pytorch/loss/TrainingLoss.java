package org.autodidact.pytorch.loss;

import java.util.SortedMap;
import org.autodidact.api.TrainingSettings;

/**
 * What is minimized, as a function of the sequences' log-probabilities Σ ln p, with its gradients.
 * Formulas and papers: {@link TrainingSettings.Loss}. In double precision: these are a few numbers
 * a step.
 */
public sealed interface TrainingLoss permits CrossEntropyLoss, PreferenceLoss {

  static TrainingLoss of(TrainingSettings settings) {
    return settings.loss().equals(TrainingSettings.Loss.SFT)
        ? new CrossEntropyLoss()
        : new PreferenceLoss(settings.loss(), settings.lossParameters());
  }

  /** Whether it compares with the reference model. */
  boolean needsReference();

  /**
   * A micro-batch's part of the batch's loss.
   *
   * @param scores of the micro-batch's sequences: of preferences, first every chosen one
   * @param weight multiplies each pair's loss, or each token's for SFT
   */
  Value value(Scores scores, double weight);

  /**
   * As {@link #value}, for a device that computes the gradients itself.
   *
   * @param scores the sums are not looked at; of the reference NaN where it is the sums themselves
   */
  LossTerms terms(Scores scores, double weight);

  /**
   * Adds a micro-batch's part of the means that TRL reports, each example counting {@code weight}.
   */
  void addMetrics(Scores scores, double weight, SortedMap<String, Double> metrics);

  /**
   * What a loss is computed from.
   *
   * @param sums Σ ln p of each sequence's scored tokens
   * @param reference Σ ln p of them under the reference model, or zeros
   * @param lengths scored tokens of each sequence
   * @param consistency of each pair; of no use to SFT
   */
  record Scores(double[] sums, double[] reference, double[] lengths, double[] consistency) {}

  /**
   * A loss.
   *
   * @param loss its value
   * @param gradients its derivative with respect to each of {@link Scores#sums}
   */
  record Value(double loss, double[] gradients) {}
}
