package org.autodidact.pytorch;

import java.util.SortedMap;
import org.autodidact.api.TrainingSettings;

/** What is minimized. A loss more is an implementation more. */
sealed interface Objective {

  static Objective of(TrainingSettings settings) {
    return switch (settings.loss()) {
      case SFT -> new CrossEntropy();
      case SIGMOID -> new Sigmoid(settings.beta());
    };
  }

  /** Whether it compares with the reference model. */
  boolean needsReference();

  /**
   * A TorchScript expression of a pass's share of the batch's loss, over {@code sums} (Σ ln p of
   * each sequence), {@code reference} (the same under the reference; empty where none is needed)
   * and {@code weight} (multiplies each example's loss, or each token's for SFT).
   */
  String script();

  /** Adds a pass's share of the means that TRL reports, each example weighing {@code weight}. */
  void addMetrics(
      double[] sums, double[] reference, double weight, SortedMap<String, Double> metrics);

  /** Mean cross-entropy of the answers' tokens. */
  record CrossEntropy() implements Objective {
    @Override
    public boolean needsReference() {
      return false;
    }

    @Override
    public String script() {
      return "torch.mul(torch.sum(sums), torch.neg(weight))";
    }

    @Override
    public void addMetrics(
        double[] sums, double[] reference, double weight, SortedMap<String, Double> metrics) {}
  }

  /**
   * Direct Preference Optimization (Rafailov et al., 2023, equation 7): −ln σ(β (ln π(c)/ref(c) −
   * ln π(r)/ref(r))), a mean over pairs.
   *
   * @param beta β, above 0
   */
  record Sigmoid(double beta) implements Objective {
    @Override
    public boolean needsReference() {
      return true;
    }

    @Override
    public String script() {
      return """
          torch.mul(torch.sum(torch.softplus(torch.mul(torch.sub(\
          torch.sub(torch.slice(sums, 0, 0, pairs), torch.slice(sums, 0, pairs)), \
          torch.sub(torch.slice(reference, 0, 0, pairs), torch.slice(reference, 0, pairs))), \
          %.17e))), weight)"""
          .formatted(-beta);
    }

    @Override
    public void addMetrics(
        double[] sums, double[] reference, double weight, SortedMap<String, Double> metrics) {
      int pairs = reference.length / 2;
      for (int i = 0; i < pairs; i++) {
        double chosen = beta * (sums[i] - reference[i]);
        double rejected = beta * (sums[pairs + i] - reference[pairs + i]);
        metrics.merge("rewards/chosen", weight * chosen, Double::sum);
        metrics.merge("rewards/rejected", weight * rejected, Double::sum);
        metrics.merge("rewards/margins", weight * (chosen - rejected), Double::sum);
        metrics.merge("rewards/accuracies", chosen > rejected ? weight : 0, Double::sum);
      }
    }
  }
}
