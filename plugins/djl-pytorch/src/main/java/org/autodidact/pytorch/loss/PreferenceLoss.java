package org.autodidact.pytorch.loss;

import java.util.SortedMap;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.LossParameters;

/**
 * A function of the margin d(chosen) − d(rejected), d being a sequence's Σ ln p less the
 * reference's; the mean over pairs. DPO and its kin.
 */
public record PreferenceLoss(Loss loss, LossParameters parameters) implements TrainingLoss {
  @Override
  public boolean needsReference() {
    return !loss.equals(Loss.SIMPO);
  }

  private boolean perToken() {
    return loss.equals(Loss.IPO) || loss.equals(Loss.SIMPO) || loss.equals(Loss.SIGMOID_NORM);
  }

  /** What d of a sequence is divided by before it is compared. */
  private double divisor(Scores s, int sequence) {
    return perToken() ? Math.max(1, s.lengths()[sequence]) : 1;
  }

  @Override
  public Value value(Scores s, double weight) {
    int pairs = s.sums().length / 2;
    double[] gradients = new double[2 * pairs];
    double total = 0;
    for (int c = 0; c < pairs; c++) {
      int r = pairs + c;
      double chosen = divisor(s, c);
      double rejected = divisor(s, r);
      double margin =
          (s.sums()[c] - s.reference()[c]) / chosen - (s.sums()[r] - s.reference()[r]) / rejected;
      double right = right(s.consistency()[c]);
      total += weight * right * of(margin);
      double gradient = right * gradient(margin);
      if (right < 1) {
        total += weight * (1 - right) * of(-margin);
        gradient -= (1 - right) * gradient(-margin);
      }
      double sftTerm = sftTerm(s, c);
      total -= weight * sftTerm * s.sums()[c];
      gradients[c] = weight * (gradient / chosen - sftTerm);
      gradients[r] = -weight * gradient / rejected;
    }
    return new Value(total, gradients);
  }

  /** The probability that the chosen answer is the better one. */
  private double right(double consistency) {
    double smoothing = loss.equals(Loss.CDPO) ? parameters.labelSmoothing() : 0;
    return consistency * (1 - smoothing) + (1 - consistency) * smoothing;
  }

  private double sftTerm(Scores s, int chosen) {
    return parameters.sftWeight() / Math.max(1, s.lengths()[chosen]);
  }

  @Override
  public LossTerms terms(Scores s, double weight) {
    int sequences = s.lengths().length;
    double[] rows = new double[4 * sequences];
    for (int i = 0; i < sequences; i++) {
      boolean chosen = i < sequences / 2;
      rows[i] = s.reference()[i];
      rows[sequences + i] = divisor(s, i);
      rows[2 * sequences + i] = chosen ? right(s.consistency()[i]) : 0;
      rows[3 * sequences + i] = chosen ? -weight * sftTerm(s, i) : 0;
    }
    int kind =
        switch (loss.name()) {
          case "sigmoid", "sigmoid-norm", "cdpo", "simpo" -> 1;
          case "hinge" -> 2;
          case "ipo" -> 3;
          default -> throw new IllegalStateException(loss + " is no loss of a margin");
        };
    double gamma = loss.equals(Loss.SIMPO) ? parameters.gamma() : 0;
    return new LossTerms(kind, weight, parameters.beta(), gamma, rows);
  }

  /** The loss of a margin. */
  private double of(double margin) {
    return switch (loss.name()) {
      case "sigmoid", "sigmoid-norm", "cdpo" -> softplus(-parameters.beta() * margin);
      case "simpo" -> softplus(parameters.gamma() - parameters.beta() * margin);
      case "hinge" -> Math.max(0, 1 - parameters.beta() * margin);
      case "ipo" -> Math.pow(margin - 1 / (2 * parameters.beta()), 2);
      default -> throw new IllegalStateException(loss + " is no loss of a margin");
    };
  }

  /** The derivative of {@link #of}. */
  private double gradient(double margin) {
    double beta = parameters.beta();
    return switch (loss.name()) {
      case "sigmoid", "sigmoid-norm", "cdpo" -> -beta * sigmoid(-beta * margin);
      case "simpo" -> -beta * sigmoid(parameters.gamma() - beta * margin);
      case "hinge" -> beta * margin < 1 ? -beta : 0;
      case "ipo" -> 2 * (margin - 1 / (2 * beta));
      default -> throw new IllegalStateException(loss + " is no loss of a margin");
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
      // Rewards are what the loss compares.
      double chosenReward = parameters.beta() * chosen / divisor(s, c);
      double rejectedReward = parameters.beta() * rejected / divisor(s, r);
      metrics.merge("rewards/chosen", weight * chosenReward, Double::sum);
      metrics.merge("rewards/rejected", weight * rejectedReward, Double::sum);
      metrics.merge("rewards/margins", weight * (chosenReward - rejectedReward), Double::sum);
      metrics.merge("rewards/accuracies", chosenReward > rejectedReward ? weight : 0, Double::sum);
      metrics.merge("logps/chosen", weight * s.sums()[c], Double::sum);
      metrics.merge("logps/rejected", weight * s.sums()[r], Double::sum);
      if (needsReference()) {
        metrics.merge("kl", -weight * (chosen + rejected) / tokens, Double::sum);
      }
    }
  }
}
