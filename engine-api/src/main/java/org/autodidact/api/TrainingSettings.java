package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * How to train; made by {@link #sft()} or {@link #dpo()} and {@link #toBuilder()}. The defaults of
 * {@link #sft()} and {@link #dpo()} are the paper's (section 3.1.2).
 *
 * @param loss what is minimized
 * @param lossParameters numbers of the loss; each loss names those it reads
 * @param optimizer makes a step of a gradient
 * @param learningRate the highest rate; 0 or more
 * @param finalLearningRate where cosine and linear schedules end; between 0 and {@code
 *     learningRate}
 * @param schedule how the rate moves after warm-up
 * @param warmupSteps steps in which the rate rises linearly from 0
 * @param batchSize examples a step, whatever memory holds at a time
 * @param epochs passes over the data
 * @param maxLength tokens of prompt and answer at most; a longer answer is cut at its end
 * @param weightDecay decoupled decay of the matrices
 * @param maxGradientNorm clips the global gradient norm; 0 does not
 * @param dropout probability of dropping in training, in [0, 1). The paper has 0.1; the default is
 *     0, as models that were pre-trained without dropout are damaged by it (measured:
 *     docs/decisions, 0001)
 * @param shuffle whether each epoch sees the data in a new order, shuffled by the seed
 * @param heldOutEvery steps between held-out evaluations; 0: never
 * @param patience held-out evaluations without improvement before training stops; 0: never stops
 * @param saveEvery steps between saved states that a killed training resumes from; 0: never
 * @param activationCheckpointing whether the activations of a layer are computed a second time in
 *     the backward pass instead of being kept: about a third more time for a fraction of the memory
 *     (Chen et al., 2016)
 * @param lora trains an adapter instead of all parameters, where present
 */
public record TrainingSettings(
    Loss loss,
    LossParameters lossParameters,
    Optimizer optimizer,
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
    int saveEvery,
    boolean activationCheckpointing,
    Optional<Lora> lora) {

  public TrainingSettings {
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(schedule, "schedule");
    Objects.requireNonNull(lossParameters, "lossParameters");
    Objects.requireNonNull(optimizer, "optimizer");
    Objects.requireNonNull(lora, "lora");
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
    require(isFinite(weightDecay), "weight-decay", "0 or more, and finite", weightDecay);
    require(
        isFinite(maxGradientNorm), "max-gradient-norm", "0 or more, and finite", maxGradientNorm);
    require(dropout >= 0 && dropout < 1, "dropout", "in [0, 1)", dropout);
    require(heldOutEvery >= 0, "held-out-every", "0 or more", heldOutEvery);
    require(patience >= 0, "patience", "0 or more", patience);
    require(saveEvery >= 0, "save-every", "0 or more", saveEvery);
  }

  private static boolean isFinite(double value) {
    return value >= 0 && value < Double.POSITIVE_INFINITY;
  }

  private static void require(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new InvalidInputException(name + " must be " + expected + ", found " + found);
    }
  }

  /** The paper's fine-tuning: 5.5e-6 to 1.1e-6 by cosine, batch 16. */
  public static TrainingSettings sft() {
    return new Builder().loss(Loss.SFT).learningRate(5.5e-6, 1.1e-6).build();
  }

  /** The paper's DPO: β 0.1, 1e-6 to 1e-7 by cosine, batch 16. */
  public static TrainingSettings dpo() {
    return new Builder().build();
  }

  /** Optimizer steps of a training on so many examples, if nothing ends it early. */
  public int steps(int examples) {
    long steps = ((long) examples + batchSize - 1) / batchSize * epochs;
    require(steps <= Integer.MAX_VALUE, "epochs", "so few that steps can be counted", epochs);
    return (int) steps;
  }

  /** A builder that holds these settings. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Changes some of the settings and leaves the others. Not thread-safe. */
  public static final class Builder {
    private Loss loss = Loss.SIGMOID;
    private LossParameters lossParameters = LossParameters.beta(0.1);
    private Optimizer optimizer = Optimizer.ADAMW;
    private double learningRate = 1e-6;
    private double finalLearningRate = 1e-7;
    private Schedule schedule = Schedule.COSINE;
    private int warmupSteps;
    private int batchSize = 16;
    private int epochs = 1;
    private int maxLength = 1024;
    private double weightDecay;
    private double maxGradientNorm = 1;
    private double dropout;
    private boolean shuffle = true;
    private int heldOutEvery;
    private int patience;
    private int saveEvery = 50;
    private boolean activationCheckpointing;
    private Optional<Lora> lora = Optional.empty();

    private Builder() {}

    private Builder(TrainingSettings s) {
      loss = s.loss;
      lossParameters = s.lossParameters;
      optimizer = s.optimizer;
      learningRate = s.learningRate;
      finalLearningRate = s.finalLearningRate;
      schedule = s.schedule;
      warmupSteps = s.warmupSteps;
      batchSize = s.batchSize;
      epochs = s.epochs;
      maxLength = s.maxLength;
      weightDecay = s.weightDecay;
      maxGradientNorm = s.maxGradientNorm;
      dropout = s.dropout;
      shuffle = s.shuffle;
      heldOutEvery = s.heldOutEvery;
      patience = s.patience;
      saveEvery = s.saveEvery;
      activationCheckpointing = s.activationCheckpointing;
      lora = s.lora;
    }

    public Builder loss(Loss value) {
      loss = value;
      return this;
    }

    public Builder lossParameters(LossParameters value) {
      lossParameters = value;
      return this;
    }

    public Builder optimizer(Optimizer value) {
      optimizer = value;
      return this;
    }

    /** The highest rate and where the schedule ends. */
    public Builder learningRate(double highest, double last) {
      learningRate = highest;
      finalLearningRate = last;
      return this;
    }

    /** One rate from the first step to the last. */
    public Builder constantRate(double rate) {
      return learningRate(rate, rate).schedule(Schedule.CONSTANT);
    }

    public Builder schedule(Schedule value) {
      schedule = value;
      return this;
    }

    public Builder warmupSteps(int value) {
      warmupSteps = value;
      return this;
    }

    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    public Builder epochs(int value) {
      epochs = value;
      return this;
    }

    public Builder maxLength(int value) {
      maxLength = value;
      return this;
    }

    public Builder weightDecay(double value) {
      weightDecay = value;
      return this;
    }

    public Builder maxGradientNorm(double value) {
      maxGradientNorm = value;
      return this;
    }

    public Builder dropout(double value) {
      dropout = value;
      return this;
    }

    public Builder shuffle(boolean value) {
      shuffle = value;
      return this;
    }

    public Builder heldOutEvery(int value) {
      heldOutEvery = value;
      return this;
    }

    public Builder patience(int value) {
      patience = value;
      return this;
    }

    public Builder saveEvery(int value) {
      saveEvery = value;
      return this;
    }

    public Builder activationCheckpointing(boolean value) {
      activationCheckpointing = value;
      return this;
    }

    /** Trains an adapter instead of all parameters. */
    public Builder lora(Lora value) {
      lora = Optional.of(value);
      return this;
    }

    /**
     * @throws InvalidInputException for a number out of its range
     */
    public TrainingSettings build() {
      return new TrainingSettings(
          loss,
          lossParameters,
          optimizer,
          learningRate,
          finalLearningRate,
          schedule,
          warmupSteps,
          batchSize,
          epochs,
          maxLength,
          weightDecay,
          maxGradientNorm,
          dropout,
          shuffle,
          heldOutEvery,
          patience,
          saveEvery,
          activationCheckpointing,
          lora);
    }
  }

  /**
   * LoRA (Hu et al., 2021): W x + (alpha / rank) B A x, with W frozen, A random and B zero at
   * first. The reference is the base with the adapter off.
   *
   * @param rank rows of A; at least 1
   * @param alpha scale of the adapter; above 0
   * @param dropout on the adapter's input, in [0, 1)
   * @param targets the projections that have one, by their last names, for example {@code q_proj}
   * @param merge whether the output is a whole model with the adapter added to its weights; else it
   *     is the adapter alone, as PEFT reads it
   * @param quantized whether the base's layers are kept in 8 bits, one scale an output, and the
   *     adapter learns beside them: QLoRA (Dettmers et al., 2023) with 8 bits in place of 4. What
   *     is merged is the base as it was
   */
  public record Lora(
      int rank,
      double alpha,
      double dropout,
      List<String> targets,
      boolean merge,
      boolean quantized) {
    /** Every projection of attention and MLP. */
    public static final List<String> ALL =
        List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

    public Lora {
      targets = targets.stream().distinct().toList();
      require(rank >= 1, "lora-rank", "at least 1", rank);
      require(alpha > 0 && isFinite(alpha), "lora-alpha", "above 0, and finite", alpha);
      require(dropout >= 0 && dropout < 1, "lora-dropout", "in [0, 1)", dropout);
      require(
          !targets.isEmpty() && ALL.containsAll(targets),
          "lora-targets",
          "some of " + ALL,
          targets);
    }

    /** This rank, alpha twice as large, no dropout, every projection; the adapter alone. */
    public static Lora rank(int rank) {
      return new Lora(rank, 2.0 * rank, 0, ALL, false, false);
    }
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
   * @param sftWeight factor of the mean cross-entropy of the chosen answer's tokens, added to any
   *     preference loss: RPO's α (Pang et al., 2024, equation 4); 0: none
   */
  public record LossParameters(double beta, double labelSmoothing, double gamma, double sftWeight) {
    public LossParameters {
      require(beta > 0 && isFinite(beta), "beta", "above 0, and finite", beta);
      require(
          labelSmoothing >= 0 && labelSmoothing < 0.5,
          "label-smoothing",
          "in [0, 0.5)",
          labelSmoothing);
      require(isFinite(gamma), "gamma", "0 or more, and finite", gamma);
      require(isFinite(sftWeight), "sft-weight", "0 or more, and finite", sftWeight);
    }

    /** This β, label smoothing 0.1, margin 0.5, no cross-entropy term. */
    public static LossParameters beta(double beta) {
      return new LossParameters(beta, 0.1, 0.5, 0);
    }
  }

  /** How a step is made of a gradient. */
  public enum Optimizer {
    /**
     * Loshchilov and Hutter, 2019; betas 0.9 and 0.999, epsilon 1e-8. Keeps two numbers a weight.
     */
    ADAMW,
    /**
     * Shazeer and Stern, 2018, algorithms 4 and 5, with the rate as it is given: no first moment,
     * and of a matrix's second moments its rows' and columns' means alone. Keeps next to nothing.
     */
    ADAFACTOR
  }

  /** How the learning rate moves from its highest value to its final one. */
  public enum Schedule {
    CONSTANT,
    LINEAR,
    COSINE
  }
}
