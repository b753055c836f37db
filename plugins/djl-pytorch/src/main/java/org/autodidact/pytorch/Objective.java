package org.autodidact.pytorch;

import java.util.Locale;
import java.util.SortedMap;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Terms;

/** What is minimized. Formulas and papers: {@link Loss}. */
sealed interface Objective {

  static Objective of(TrainingSettings settings) {
    return settings.loss() == Loss.SFT
        ? new CrossEntropy()
        : new Preference(settings.loss(), settings.terms());
  }

  /** Whether it compares with the reference model. */
  boolean needsReference();

  /**
   * TorchScript lines that return a pass's share of the batch's loss, from {@code sums} (Σ ln p of
   * each sequence), {@code reference} (the same under the reference, or zeros), {@code lengths}
   * (scored tokens of each sequence), {@code pairs} (half the sequences) and {@code weight}
   * (multiplies each example's loss, or each token's for SFT).
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
      return "    return torch.mul(torch.sum(sums), torch.neg(weight))";
    }

    @Override
    public void addMetrics(
        double[] sums, double[] reference, double weight, SortedMap<String, Double> metrics) {}
  }

  /** A function of the margin z = β (d(chosen) − d(rejected)), a mean over pairs. */
  record Preference(Loss loss, Terms terms) implements Objective {
    @Override
    public boolean needsReference() {
      return loss != Loss.SIMPO;
    }

    private boolean perToken() {
      return loss == Loss.IPO || loss == Loss.SIMPO || loss == Loss.SIGMOID_NORM;
    }

    @Override
    public String script() {
      String d = "torch.sub(sums, reference)";
      return """
              d = %s
              z = torch.sub(torch.slice(d, 0, 0, pairs), torch.slice(d, 0, pairs))
              z = torch.mul(z, %s)
              each = %s
              chosen = torch.div(torch.slice(sums, 0, 0, pairs), torch.slice(lengths, 0, 0, pairs))
              return torch.mul(torch.sum(torch.sub(each, torch.mul(chosen, %s))), weight)"""
          .formatted(
              perToken() ? "torch.div(" + d + ", lengths)" : d,
              number(loss == Loss.IPO ? 1 : terms.beta()),
              ofMargin(),
              number(terms.sftWeight()))
          .indent(4)
          .stripTrailing();
    }

    private String ofMargin() {
      return switch (loss) {
        case SFT -> throw new IllegalStateException("no loss of a margin");
        case SIGMOID, SIGMOID_NORM -> "torch.softplus(torch.neg(z))";
        case CDPO ->
            "torch.add(torch.mul(torch.softplus(torch.neg(z)), %s), torch.mul(torch.softplus(z), %s))"
                .formatted(number(1 - terms.labelSmoothing()), number(terms.labelSmoothing()));
        case IPO -> "torch.pow(torch.sub(z, %s), 2)".formatted(number(1 / (2 * terms.beta())));
        case SIMPO -> "torch.softplus(torch.sub(%s, z))".formatted(number(terms.gamma()));
        case HINGE -> "torch.relu(torch.add(torch.neg(z), 1.))";
      };
    }

    private static String number(double value) {
      return String.format(Locale.ROOT, "%.17e", value);
    }

    @Override
    public void addMetrics(
        double[] sums, double[] reference, double weight, SortedMap<String, Double> metrics) {
      int pairs = reference.length / 2;
      for (int i = 0; i < pairs; i++) {
        double chosen = terms.beta() * (sums[i] - reference[i]);
        double rejected = terms.beta() * (sums[pairs + i] - reference[pairs + i]);
        metrics.merge("rewards/chosen", weight * chosen, Double::sum);
        metrics.merge("rewards/rejected", weight * rejected, Double::sum);
        metrics.merge("rewards/margins", weight * (chosen - rejected), Double::sum);
        metrics.merge("rewards/accuracies", chosen > rejected ? weight : 0, Double::sum);
      }
    }
  }
}
