package org.autodidact.api;

import java.util.Objects;

/**
 * How to train. The defaults of {@link #sft()} and {@link #dpo()} are the paper's (section 3.1.2).
 *
 * @param loss what is minimized
 * @param terms numbers of the loss; each loss names those it reads
 * @param learningRate AdamW's highest rate; 0 or more
 * @param finalLearningRate where cosine and linear schedules end; between 0 and {@code
 *     learningRate}
 * @param schedule how the rate moves after warm-up
 * @param warmupSteps steps in which the rate rises linearly from 0
 * @param batchSize examples a step, whatever memory holds at a time
 * @param epochs passes over the data
 * @param maxLength tokens of prompt and answer at most; a longer answer is cut at its end
 * @param weightDecay AdamW's decoupled decay
 * @param maxGradientNorm clips the global gradient norm; 0 does not
 * @param dropout probability of dropping in training, in [0, 1). The paper has 0.1; the default is
 *     0, as models that were pre-trained without dropout are damaged by it (measured:
 *     docs/decisions.md)
 * @param shuffle whether each epoch sees the data in a new order, drawn by the seed
 * @param heldOutEvery steps between held-out evaluations; 0: never
 * @param patience held-out evaluations without improvement before training stops; 0: never stops
 * @param saveEvery steps between saved states that a killed training resumes from; 0: never
 */
public record TrainingSettings(
    Loss loss,
    Terms terms,
    double learningRate,
    double finalLearningRate,
    Schedule schedule,
    int warmupSteps,
    int batchSize,
    int epochs,
    int maxLength,
    double weightDecay,
    double maxGradientNorm,
    double dropout,
    boolean shuffle,
    int heldOutEvery,
    int patience,
    int saveEvery) {

  public TrainingSettings {
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(schedule, "schedule");
    Objects.requireNonNull(terms, "terms");
    require(learningRate >= 0 && learningRate < 1, "learning-rate", "in [0, 1)", learningRate);
    require(
        finalLearningRate >= 0 && finalLearningRate <= learningRate,
        "final-learning-rate",
        "between 0 and learning-rate",
        finalLearningRate);
    require(warmupSteps >= 0, "warmup-steps", "0 or more", warmupSteps);
    require(batchSize >= 1, "batch-size", "at least 1", batchSize);
    require(epochs >= 1, "epochs", "at least 1", epochs);
    require(maxLength >= 2, "max-length", "at least 2", maxLength);
    require(weightDecay >= 0, "weight-decay", "0 or more", weightDecay);
    require(maxGradientNorm >= 0, "max-gradient-norm", "0 or more", maxGradientNorm);
    require(dropout >= 0 && dropout < 1, "dropout", "in [0, 1)", dropout);
    require(heldOutEvery >= 0, "held-out-every", "0 or more", heldOutEvery);
    require(patience >= 0, "patience", "0 or more", patience);
    require(saveEvery >= 0, "save-every", "0 or more", saveEvery);
  }

  private static void require(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new InvalidInputException(name + " must be " + expected + ", found " + found);
    }
  }

  /** The paper's fine-tuning: 5.5e-6 to 1.1e-6 by cosine, batch 16. */
  public static TrainingSettings sft() {
    return new TrainingSettings(
        Loss.SFT,
        Terms.beta(0.1),
        5.5e-6,
        1.1e-6,
        Schedule.COSINE,
        0,
        16,
        1,
        1024,
        0,
        1,
        0,
        true,
        0,
        0,
        50);
  }

  /** The paper's DPO: β 0.1, 1e-6 to 1e-7 by cosine, batch 16. */
  public static TrainingSettings dpo() {
    return new TrainingSettings(
        Loss.SIGMOID,
        Terms.beta(0.1),
        1e-6,
        1e-7,
        Schedule.COSINE,
        0,
        16,
        1,
        1024,
        0,
        1,
        0,
        true,
        0,
        0,
        50);
  }

  /**
   * What is minimized. With d = ln π(answer)/ref(answer), summed over its tokens, n tokens, c the
   * chosen and r the rejected answer; each is a mean over pairs.
   */
  public enum Loss {
    /** Cross-entropy, a mean over the answers' tokens; the only one over demonstrations. */
    SFT,
    /** −ln σ(β (d<sub>c</sub> − d<sub>r</sub>)): DPO (Rafailov et al., 2023, equation 7). */
    SIGMOID,
    /** DPO with each d divided by n (Meng et al., 2024, section 4.3: length-normalized DPO). */
    SIGMOID_NORM,
    /**
     * −(1 − ε) ln σ(β (d<sub>c</sub> − d<sub>r</sub>)) − ε ln σ(−β (d<sub>c</sub> −
     * d<sub>r</sub>)): conservative DPO (Mitchell, 2023), ε the label smoothing.
     */
    CDPO,
    /**
     * (d<sub>c</sub>/n<sub>c</sub> − d<sub>r</sub>/n<sub>r</sub> − 1/(2β))²: IPO (Azar et al.,
     * 2023, equation 17; per token, as TRL).
     */
    IPO,
    /**
     * −ln σ(β (ln π(c)/n<sub>c</sub> − ln π(r)/n<sub>r</sub>) − γ): SimPO (Meng et al., 2024,
     * equation 6); no reference.
     */
    SIMPO,
    /** max(0, 1 − β (d<sub>c</sub> − d<sub>r</sub>)): SLiC's hinge (Zhao et al., 2023). */
    HINGE
  }

  /**
   * Numbers of a loss.
   *
   * @param beta β, the strength of the pull to the reference; above 0
   * @param labelSmoothing ε of CDPO, the share of pairs thought to be the wrong way round; in [0,
   *     0.5)
   * @param gamma γ of SIMPO, the margin asked for; 0 or more
   * @param sftWeight weighs the mean cross-entropy of the chosen answer's tokens, added to any
   *     preference loss: RPO's α (Pang et al., 2024, equation 4); 0: none
   */
  public record Terms(double beta, double labelSmoothing, double gamma, double sftWeight) {
    public Terms {
      require(beta > 0, "beta", "above 0", beta);
      require(
          labelSmoothing >= 0 && labelSmoothing < 0.5,
          "label-smoothing",
          "in [0, 0.5)",
          labelSmoothing);
      require(gamma >= 0, "gamma", "0 or more", gamma);
      require(sftWeight >= 0, "sft-weight", "0 or more", sftWeight);
    }

    /** This β, label smoothing 0.1, margin 0.5, no cross-entropy term. */
    public static Terms beta(double beta) {
      return new Terms(beta, 0.1, 0.5, 0);
    }
  }

  /** How the learning rate moves from its highest value to its final one. */
  public enum Schedule {
    CONSTANT,
    LINEAR,
    COSINE
  }
}
