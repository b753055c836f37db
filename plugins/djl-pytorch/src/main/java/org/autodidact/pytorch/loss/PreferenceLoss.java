package org.autodidact.pytorch.loss;

import java.util.SortedMap;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.LossParameters;

/**
 * What is minimized, as a function of the sequences' Σ ln p, with its slopes. Formulas and papers:
 * {@link Loss}. In double precision: these are a few numbers a step.
 */
public sealed interface PreferenceLoss {

  static PreferenceLoss of(TrainingSettings settings) {
    return settings.loss() == Loss.SFT
        ? new CrossEntropy()
        : new Preference(settings.loss(), settings.lossParameters());
  }

  /** Whether it compares with the reference model. */
  boolean needsReference();

  /**
   * A pass's share of the batch's loss.
   *
   * @param scores of the pass's sequences: of preferences, first every chosen one
   * @param weight multiplies each pair's loss, or each token's for SFT
   */
  Value value(Scores scores, double weight);

  /** Adds a pass's share of the means that TRL reports, each example weighing {@code weight}. */
  void addMetrics(Scores scores, double weight, SortedMap<String, Double> metrics);

  /**
   * What a loss is made of.
   *
   * @param sums Σ ln p of each sequence's scored tokens
   * @param reference the same under the reference, or zeros
   * @param lengths scored tokens of each sequence
   * @param consistency of each pair; of no use to SFT
   */
  record Scores(double[] sums, double[] reference, double[] lengths, double[] consistency) {}

  /**
   * A loss.
   *
   * @param loss its value
   * @param slopes its derivative by each sum
   */
  record Value(double loss, double[] slopes) {}

  /** Mean cross-entropy of the answers' tokens. */
  record CrossEntropy() implements PreferenceLoss {
    @Override
    public boolean needsReference() {
      return false;
    }

    @Override
    public Value value(Scores scores, double weight) {
      double loss = 0;
      double[] slopes = new double[scores.sums().length];
      for (int i = 0; i < slopes.length; i++) {
        loss -= weight * scores.sums()[i];
        slopes[i] = -weight;
      }
      return new Value(loss, slopes);
    }

    @Override
    public void addMetrics(Scores scores, double weight, SortedMap<String, Double> metrics) {}
  }

  /** A function of the margin d(chosen) − d(rejected), a mean over pairs. */
  record Preference(Loss loss, LossParameters terms) implements PreferenceLoss {
    @Override
    public boolean needsReference() {
      return loss != Loss.SIMPO;
    }

    private boolean perToken() {
      return loss == Loss.IPO || loss == Loss.SIMPO || loss == Loss.SIGMOID_NORM;
    }

    /** What d of a sequence is divided by before it is compared. */
    private double divisor(Scores s, int sequence) {
      return perToken() ? Math.max(1, s.lengths()[sequence]) : 1;
    }

    @Override
    public Value value(Scores s, double weight) {
      int pairs = s.sums().length / 2;
      double[] slopes = new double[2 * pairs];
      double total = 0;
      for (int c = 0; c < pairs; c++) {
        int r = pairs + c;
        double chosen = divisor(s, c);
        double rejected = divisor(s, r);
        double margin =
            (s.sums()[c] - s.reference()[c]) / chosen - (s.sums()[r] - s.reference()[r]) / rejected;
        double smoothing = loss == Loss.CDPO ? terms.labelSmoothing() : 0;
        double right = s.consistency()[c] * (1 - smoothing) + (1 - s.consistency()[c]) * smoothing;
        total += weight * right * of(margin);
        double slope = right * slope(margin);
        if (right < 1) {
          total += weight * (1 - right) * of(-margin);
          slope -= (1 - right) * slope(-margin);
        }
        double imitation = terms.sftWeight() / Math.max(1, s.lengths()[c]);
        total -= weight * imitation * s.sums()[c];
        slopes[c] = weight * (slope / chosen - imitation);
        slopes[r] = -weight * slope / rejected;
      }
      return new Value(total, slopes);
    }

    /** The loss of a margin. */
    private double of(double margin) {
      return switch (loss) {
        case SFT -> throw new IllegalStateException("no loss of a margin");
        case SIGMOID, SIGMOID_NORM, CDPO -> softplus(-terms.beta() * margin);
        case SIMPO -> softplus(terms.gamma() - terms.beta() * margin);
        case HINGE -> Math.max(0, 1 - terms.beta() * margin);
        case IPO -> Math.pow(margin - 1 / (2 * terms.beta()), 2);
      };
    }

    /** The derivative of {@link #of}. */
    private double slope(double margin) {
      return switch (loss) {
        case SFT -> throw new IllegalStateException("no loss of a margin");
        case SIGMOID, SIGMOID_NORM, CDPO -> -terms.beta() * sigmoid(-terms.beta() * margin);
        case SIMPO -> -terms.beta() * sigmoid(terms.gamma() - terms.beta() * margin);
        case HINGE -> terms.beta() * margin < 1 ? -terms.beta() : 0;
        case IPO -> 2 * (margin - 1 / (2 * terms.beta()));
      };
    }

    private static double softplus(double x) {
      return Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    private static double sigmoid(double x) {
      return 1 / (1 + Math.exp(-x));
    }

    @Override
    public void addMetrics(Scores s, double weight, SortedMap<String, Double> metrics) {
      int pairs = s.sums().length / 2;
      for (int c = 0; c < pairs; c++) {
        int r = pairs + c;
        double chosen = s.sums()[c] - s.reference()[c];
        double rejected = s.sums()[r] - s.reference()[r];
        double tokens = Math.max(1, s.lengths()[c] + s.lengths()[r]);
        // What the loss compares.
        double better = terms.beta() * chosen / divisor(s, c);
        double worse = terms.beta() * rejected / divisor(s, r);
        metrics.merge("rewards/chosen", weight * better, Double::sum);
        metrics.merge("rewards/rejected", weight * worse, Double::sum);
        metrics.merge("rewards/margins", weight * (better - worse), Double::sum);
        metrics.merge("rewards/accuracies", better > worse ? weight : 0, Double::sum);
        metrics.merge("logps/chosen", weight * s.sums()[c], Double::sum);
        metrics.merge("logps/rejected", weight * s.sums()[r], Double::sum);
        if (needsReference()) {
          metrics.merge("kl", -weight * (chosen + rejected) / tokens, Double::sum);
        }
      }
    }
  }
}
