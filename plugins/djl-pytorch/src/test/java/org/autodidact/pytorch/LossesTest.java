package org.autodidact.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.LossParameters;
import org.autodidact.pytorch.loss.PreferenceLoss;
import org.autodidact.pytorch.loss.TrainingLoss;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The losses of the training program against the formulas written out once more. */
class LossesTest {
  private static final int PAIRS = 3;

  static TrainingLoss loss(Loss loss, double beta) {
    return new PreferenceLoss(loss, LossParameters.beta(beta));
  }

  static double value(
      TrainingLoss trainingLoss, double[] sums, double[] reference, double[] lengths) {
    double[] consistency = new double[sums.length / 2];
    Arrays.fill(consistency, 1);
    return trainingLoss
        .value(new TrainingLoss.Scores(sums, reference, lengths, consistency), 2.0 / sums.length)
        .loss();
  }

  private static double[] random(Random random, double from, double to) {
    return random.doubles(2 * PAIRS, from, to).toArray();
  }

  private static double lnSigmoid(double x) {
    return -Math.log1p(Math.exp(-x));
  }

  private static double byHand(
      Loss loss, LossParameters t, double[] sums, double[] reference, double[] lengths) {
    double total = 0;
    for (int i = 0; i < PAIRS; i++) {
      int r = PAIRS + i;
      double c = sums[i] - reference[i];
      double j = sums[r] - reference[r];
      double z = t.beta() * (c - j);
      double perToken = c / lengths[i] - j / lengths[r];
      total +=
          switch (loss.name()) {
            case "sigmoid" -> -lnSigmoid(z);
            case "sigmoid-norm" -> -lnSigmoid(t.beta() * perToken);
            case "cdpo" ->
                -(1 - t.labelSmoothing()) * lnSigmoid(z) - t.labelSmoothing() * lnSigmoid(-z);
            case "ipo" -> Math.pow(perToken - 1 / (2 * t.beta()), 2);
            case "simpo" ->
                -lnSigmoid(t.beta() * (sums[i] / lengths[i] - sums[r] / lengths[r]) - t.gamma());
            case "hinge" -> Math.max(0, 1 - z);
            default -> throw new IllegalArgumentException();
          };
      total -= t.sftWeight() * sums[i] / lengths[i];
    }
    return total / PAIRS;
  }

  static Stream<Loss> preferenceLosses() {
    return Loss.KNOWN.stream().filter(loss -> !loss.equals(Loss.SFT));
  }

  @ParameterizedTest
  @MethodSource("preferenceLosses")
  void eachLossIsItsFormula(Loss loss) {
    Random random = new Random(Loss.KNOWN.indexOf(loss));
    for (int n = 0; n < 10; n++) {
      LossParameters terms =
          new LossParameters(
              0.05 + random.nextDouble(), random.nextDouble() * 0.4, random.nextDouble(), n % 2);
      TrainingLoss trainingLoss = new PreferenceLoss(loss, terms);
      double[] sums = random(random, -60, -5);
      double[] reference = trainingLoss.needsReference() ? random(random, -60, -5) : new double[6];
      double[] lengths = random.ints(6, 1, 30).asDoubleStream().toArray();
      double expected = byHand(loss, terms, sums, reference, lengths);
      assertThat(value(trainingLoss, sums, reference, lengths))
          .isCloseTo(expected, within(1e-4 * (1 + Math.abs(expected))));
    }
  }

  /** Losses that only ask for a wider margin fall, or stay, as the chosen answer gets likelier. */
  @ParameterizedTest
  @ValueSource(strings = {"sigmoid", "sigmoid-norm", "simpo", "hinge"})
  void aWiderMarginCostsNoMore(String name) {
    Loss loss = new Loss(name);
    Random random = new Random(5);
    for (int n = 0; n < 10; n++) {
      double[] sums = random(random, -60, -5);
      double[] reference = random(random, -60, -5);
      double[] lengths = random.ints(6, 1, 30).asDoubleStream().toArray();
      double before = value(loss(loss, 0.1), sums, reference, lengths);
      sums[0] += 2;
      sums[PAIRS] -= 1;
      assertThat(value(loss(loss, 0.1), sums, reference, lengths))
          .isLessThanOrEqualTo(before + 1e-6);
    }
  }

  /** A long chosen answer is less likely in all and likelier by the token. */
  @Test
  void rewardsAreWhatTheLossCompares() {
    double[] sums = {-30, -20};
    TrainingLoss.Scores scores =
        new TrainingLoss.Scores(sums, new double[2], new double[] {30, 10}, new double[] {1});
    SortedMap<String, Double> metrics = new TreeMap<>();
    loss(Loss.SIMPO, 2).addMetrics(scores, 1, metrics);
    assertThat(metrics)
        .containsEntry("rewards/chosen", -2.0)
        .containsEntry("rewards/rejected", -4.0)
        .containsEntry("rewards/margins", 2.0)
        .containsEntry("rewards/accuracies", 1.0)
        .containsEntry("logps/chosen", -30.0);
    SortedMap<String, Double> inAll = new TreeMap<>();
    loss(Loss.SIGMOID, 2).addMetrics(scores, 1, inAll);
    assertThat(inAll)
        .containsEntry("rewards/margins", -20.0)
        .containsEntry("rewards/accuracies", 0.0);
  }

  @Test
  void whatIsInfiniteIsRefused() {
    for (double number : new double[] {Double.POSITIVE_INFINITY, Double.NaN, -1}) {
      assertThatThrownBy(() -> LossParameters.beta(number))
          .isInstanceOf(InvalidInputException.class);
      assertThatThrownBy(() -> TrainingSettings.dpo().toBuilder().weightDecay(number).build())
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("weight-decay");
    }
    TrainingSettings most = TrainingSettings.dpo().toBuilder().epochs(100_000).build();
    int countable = 16 * (Integer.MAX_VALUE / 100_000);
    assertThat(most.steps(countable)).isEqualTo(2_147_400_000);
    assertThatThrownBy(() -> most.steps(countable + 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("epochs");
  }

  /** With half of the pairs thought wrong, CDPO does not care which is chosen. */
  @Test
  void conservativeDpoIsSymmetricAtOneHalf() {
    TrainingLoss trainingLoss =
        new PreferenceLoss(Loss.CDPO, new LossParameters(0.1, 0.4999999, 0, 0));
    double[] sums = {-10, -20, -30, -40, -50, -60};
    double[] swapped = {-40, -50, -60, -10, -20, -30};
    double[] lengths = {1, 1, 1, 1, 1, 1};
    assertThat(value(trainingLoss, sums, new double[6], lengths))
        .isCloseTo(value(trainingLoss, swapped, new double[6], lengths), within(1e-4));
  }
}
