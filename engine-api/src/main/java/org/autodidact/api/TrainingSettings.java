package org.autodidact.api;

import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The settings of a training; made by {@link #sft()} or {@link #dpo()} and {@link #toBuilder()}.
 * The defaults of both are the paper's (section 3.1.2), but for dropout: the paper has 0.1, and
 * models that were pre-trained without dropout are damaged by it (measured: docs/decisions, 0001).
 *
 * <p>A component is the one declaration of an option: see {@link Setting}.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record TrainingSettings(
    @Setting(
            "what is minimized; sigmoid is DPO, and with sft preference training fine-tunes on the"
                + " chosen answers alone")
        Loss loss,
    LossParameters lossParameters,
    @Setting("adamw, or adafactor, which needs much less memory for its moments")
        Optimizer optimizer,
    @Setting(value = "the highest learning rate", range = "[0, 1)") double learningRate,
    @Setting(
            value =
                "where the schedule ends, at most the highest; in the paper's proportion if only the"
                    + " highest is set",
            range = "[0, 1)")
        double finalLearningRate,
    @Setting("how the learning rate falls after warm-up") Schedule schedule,
    @Setting(value = "steps in which the learning rate rises from 0", range = "[0, 100000000]")
        int warmupSteps,
    @Setting(
            value = "examples a step, in as many micro-batches as memory needs",
            range = "[1, 1000000]")
        int batchSize,
    @Setting(value = "passes over the data", range = "[1, 100000]") int epochs,
    @Setting(
            value = "tokens of prompt and answer; a longer answer is cut at its end",
            range = "[2, 1048576]")
        int maxLength,
    @Setting(value = "decoupled weight decay of the matrices", range = "[0, 1000]")
        double weightDecay,
    @Setting(value = "clips the global gradient norm; 0: no clipping", range = "[0, 1000000000]")
        double maxGradientNorm,
    @Setting(value = "dropout on what attention and MLP add", range = "[0, 1)") double dropout,
    @Setting("whether each epoch sees the examples in a new order, shuffled by the seed")
        boolean shuffle,
    @Setting(
            value =
                "steps between held-out evaluations, the last step is one too; the weights of the"
                    + " lowest held-out loss are kept; 0: never",
            range = "[0, 100000000]")
        int heldOutEvery,
    @Setting(
            value = "evaluations without improvement before training stops; 0: never stops",
            range = "[0, 100000000]")
        int patience,
    @Setting(
            value =
                "steps at most between saved states, which a killed training resumes from; 0: never",
            range = "[0, 100000000]")
        int saveEvery,
    @Setting(
            "computes activations again in the backward pass instead of keeping them: about a third"
                + " more time for a fraction of the memory (Chen et al., 2016)")
        boolean activationCheckpointing,
    Optional<Lora> lora) {

  public TrainingSettings {
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(schedule, "schedule");
    Objects.requireNonNull(lossParameters, "lossParameters");
    Objects.requireNonNull(optimizer, "optimizer");
    Objects.requireNonNull(lora, "lora");
    Settings.check(
        TrainingSettings.class,
        "",
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
    if (finalLearningRate > learningRate) {
      throw new InvalidInputException(
          "final-learning-rate must be between 0 and learning-rate, found " + finalLearningRate);
    }
  }

  /** The paper's fine-tuning: 5.5e-6 to 1.1e-6 by cosine, batch 16. */
  public static TrainingSettings sft() {
    return dpo().toBuilder().loss(Loss.SFT).learningRate(5.5e-6, 1.1e-6).build();
  }

  /** The paper's DPO: β 0.1, 1e-6 to 1e-7 by cosine, batch 16. */
  public static TrainingSettings dpo() {
    return new Builder(Map.of())
        .loss(Loss.SIGMOID)
        .lossParameters(LossParameters.beta(0.1))
        .optimizer(Optimizer.ADAMW)
        .learningRate(1e-6, 1e-7)
        .schedule(Schedule.COSINE)
        .batchSize(16)
        .epochs(1)
        .maxLength(1024)
        .maxGradientNorm(1)
        .shuffle(true)
        .saveEvery(50)
        .build();
  }

  /** Optimizer steps of a training on so many examples, if nothing ends it early. */
  public int steps(int examples) {
    long steps = ((long) examples + batchSize - 1) / batchSize * epochs;
    if (steps > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          "epochs must be so few that steps can be counted, found " + epochs);
    }
    return (int) steps;
  }

  /** A builder that holds these settings. */
  public Builder toBuilder() {
    return new Builder(Settings.values(this));
  }

  /** Changes some of the settings and leaves the others. Not thread-safe. */
  public static final class Builder {
    private final Map<String, Object> values;

    private Builder(Map<String, Object> values) {
      this.values = new HashMap<>(values);
    }

    /** Sets a component by its name. */
    public Builder set(String component, Object value) {
      List<String> components =
          Arrays.stream(TrainingSettings.class.getRecordComponents())
              .map(RecordComponent::getName)
              .toList();
      if (!components.contains(component)) {
        throw new InvalidInputException(
            "there is no training setting '" + component + "'; there are: " + components);
      }
      values.put(component, Objects.requireNonNull(value, component));
      return this;
    }

    public Builder loss(Loss value) {
      return set("loss", value);
    }

    public Builder lossParameters(LossParameters value) {
      return set("lossParameters", value);
    }

    public Builder optimizer(Optimizer value) {
      return set("optimizer", value);
    }

    /** The highest rate and where the schedule ends. */
    public Builder learningRate(double highest, double last) {
      return set("learningRate", highest).set("finalLearningRate", last);
    }

    /** One rate from the first step to the last. */
    public Builder constantRate(double rate) {
      return learningRate(rate, rate).schedule(Schedule.CONSTANT);
    }

    public Builder schedule(Schedule value) {
      return set("schedule", value);
    }

    public Builder warmupSteps(int value) {
      return set("warmupSteps", value);
    }

    public Builder batchSize(int value) {
      return set("batchSize", value);
    }

    public Builder epochs(int value) {
      return set("epochs", value);
    }

    public Builder maxLength(int value) {
      return set("maxLength", value);
    }

    public Builder weightDecay(double value) {
      return set("weightDecay", value);
    }

    public Builder maxGradientNorm(double value) {
      return set("maxGradientNorm", value);
    }

    public Builder dropout(double value) {
      return set("dropout", value);
    }

    public Builder shuffle(boolean value) {
      return set("shuffle", value);
    }

    public Builder heldOutEvery(int value) {
      return set("heldOutEvery", value);
    }

    public Builder patience(int value) {
      return set("patience", value);
    }

    public Builder saveEvery(int value) {
      return set("saveEvery", value);
    }

    public Builder activationCheckpointing(boolean value) {
      return set("activationCheckpointing", value);
    }

    /** Trains an adapter instead of all parameters. */
    public Builder lora(Lora value) {
      return set("lora", Optional.of(value));
    }

    /**
     * @throws InvalidInputException for a number out of its range
     */
    public TrainingSettings build() {
      return Settings.create(TrainingSettings.class, values);
    }
  }

  /**
   * LoRA (Hu et al., 2021): W x + (alpha / rank) B A x, with W frozen, A random and B zero at
   * first. The reference is the base with the adapter off.
   *
   * @param merge whether the output is a whole model with the adapter added to its weights; else it
   *     is the adapter alone, as PEFT reads it
   */
  public record Lora(
      @Setting(
              value =
                  "trains a LoRA adapter of this rank instead of all parameters; an iterate of a run is"
                      + " the merged model",
              range = "[1, 65536]",
              byDefault = "none")
          int rank,
      @Setting(
              value = "the scale of the adapter is alpha / rank",
              range = "(0, 1000000]",
              byDefault = "twice the rank")
          double alpha,
      @Setting(value = "dropout on the adapter's input", range = "[0, 1)", byDefault = "0")
          double dropout,
      @Setting(
              value = "the projections that have an adapter, for example q_proj and v_proj",
              byDefault = "all projections")
          List<String> targets,
      boolean merge,
      @Setting(
              value =
                  "keeps the base's layers in 8 bits, a scale an output, while the adapter is"
                      + " trained (QLoRA, Dettmers et al., 2023, has 4); what is merged is the base as"
                      + " it was",
              byDefault = "false")
          boolean quantized) {
    /** Every projection of attention and MLP. */
    public static final List<String> ALL =
        List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

    /** The prefix of the keys of its components. */
    public static final String KEY_PREFIX = "lora-";

    public Lora {
      targets = targets.stream().distinct().toList();
      Settings.check(Lora.class, KEY_PREFIX, rank, alpha, dropout, targets, merge, quantized);
      if (targets.isEmpty() || !ALL.containsAll(targets)) {
        throw new InvalidInputException(
            "lora-targets must be some of " + ALL + ", found " + targets);
      }
    }

    /** This rank, alpha twice as large, no dropout, every projection; the adapter alone. */
    public static Lora rank(int rank) {
      return new Lora(rank, 2.0 * rank, 0, ALL, false, false);
    }
  }

  /**
   * The loss. With d = ln π(answer)/ref(answer), summed over its tokens, n tokens, c the chosen and
   * r the rejected answer; each is a mean over pairs. A trainer may have others, of names of its
   * own.
   *
   * @param name lower-case letters, digits and hyphens
   */
  public record Loss(String name) {
    /** Cross-entropy, a mean over the answers' tokens; the only one over demonstrations. */
    public static final Loss SFT = new Loss("sft");

    /** −ln σ(β (d<sub>c</sub> − d<sub>r</sub>)): DPO (Rafailov et al., 2023, equation 7). */
    public static final Loss SIGMOID = new Loss("sigmoid");

    /** DPO with each d divided by n (Meng et al., 2024, section 4.3: length-normalized DPO). */
    public static final Loss SIGMOID_NORM = new Loss("sigmoid-norm");

    /**
     * −(1 − ε) ln σ(β (d<sub>c</sub> − d<sub>r</sub>)) − ε ln σ(−β (d<sub>c</sub> −
     * d<sub>r</sub>)): conservative DPO (Mitchell, 2023), ε the label smoothing.
     */
    public static final Loss CDPO = new Loss("cdpo");

    /**
     * (d<sub>c</sub>/n<sub>c</sub> − d<sub>r</sub>/n<sub>r</sub> − 1/(2β))²: IPO (Azar et al.,
     * 2023, equation 17; per token, as TRL).
     */
    public static final Loss IPO = new Loss("ipo");

    /**
     * −ln σ(β (ln π(c)/n<sub>c</sub> − ln π(r)/n<sub>r</sub>) − γ): SimPO (Meng et al., 2024,
     * equation 6); no reference.
     */
    public static final Loss SIMPO = new Loss("simpo");

    /** max(0, 1 − β (d<sub>c</sub> − d<sub>r</sub>)): SLiC's hinge (Zhao et al., 2023). */
    public static final Loss HINGE = new Loss("hinge");

    /** The losses named here. */
    public static final List<Loss> KNOWN =
        List.of(SFT, SIGMOID, SIGMOID_NORM, CDPO, IPO, SIMPO, HINGE);

    public Loss {
      Settings.checkName("loss", name);
    }

    /** The name. */
    @Override
    public String toString() {
      return name;
    }
  }

  /** Numbers of a loss; each loss names those that it reads. */
  public record LossParameters(
      @Setting(value = "β, the strength of the pull to the reference", range = "(0, 1000000]")
          double beta,
      @Setting(
              value = "ε of the loss cdpo: the share of pairs assumed to be the wrong way round",
              range = "[0, 0.5)")
          double labelSmoothing,
      @Setting(value = "γ of the loss simpo: the margin wanted", range = "[0, 1000000]")
          double gamma,
      @Setting(
              value =
                  "adds so much mean cross-entropy of the chosen answer's tokens to a preference"
                      + " loss: RPO's α (Pang et al., 2024, equation 4); 0: none",
              range = "[0, 1000000]")
          double sftWeight) {
    public LossParameters {
      Settings.check(LossParameters.class, "", beta, labelSmoothing, gamma, sftWeight);
    }

    /** This β, label smoothing 0.1, margin 0.5, no cross-entropy term. */
    public static LossParameters beta(double beta) {
      return new LossParameters(beta, 0.1, 0.5, 0);
    }
  }

  /**
   * The optimizer, which turns gradients into steps. A trainer may have others.
   *
   * @param name lower-case letters, digits and hyphens
   */
  public record Optimizer(String name) {
    /**
     * Loshchilov and Hutter, 2019; betas 0.9 and 0.999, epsilon 1e-8. Keeps two numbers a weight.
     */
    public static final Optimizer ADAMW = new Optimizer("adamw");

    /**
     * Shazeer and Stern, 2018, algorithms 4 and 5, with the rate as it is given: no first moment,
     * and of a matrix's second moments its rows' and columns' means alone. Keeps next to nothing.
     */
    public static final Optimizer ADAFACTOR = new Optimizer("adafactor");

    /** The optimizers named here. */
    public static final List<Optimizer> KNOWN = List.of(ADAMW, ADAFACTOR);

    public Optimizer {
      Settings.checkName("optimizer", name);
    }

    /** The name. */
    @Override
    public String toString() {
      return name;
    }
  }

  /** The schedule of the learning rate from its highest value to its final one. */
  public enum Schedule {
    CONSTANT,
    LINEAR,
    COSINE
  }
}
