package org.autodidact.api;

import java.time.Clock;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;

/**
 * Creates trainers; found by name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface TrainerProvider extends PartProvider {
  /**
   * Creates a trainer.
   *
   * @throws InvalidInputException where an option cannot be used
   */
  Trainer create(TrainerContext context);

  /** A trainer without options. */
  default Trainer create(ComputeSettings compute) {
    return create(new TrainerContext(compute, PartOptions.none()));
  }

  /**
   * What its trainers can do. A run that asks for more is refused before any work. By default
   * fine-tuning and DPO by AdamW.
   */
  default TrainerCapabilities capabilities() {
    return TrainerCapabilities.MINIMAL;
  }

  /**
   * What a trainer of these options can do, where the options say it, as of a command. By default
   * {@link #capabilities()}.
   *
   * @throws InvalidInputException where an option cannot be used
   */
  default TrainerCapabilities capabilities(PartOptions options) {
    return capabilities();
  }

  /** A provider whose trainers a function creates, without options, of the least capabilities. */
  static TrainerProvider of(String name, Function<TrainerContext, Trainer> create) {
    return of(name, PartOptions.None.class, TrainerCapabilities.MINIMAL, create);
  }

  /** A provider whose trainers a function creates. */
  static TrainerProvider of(
      String name,
      Class<? extends Record> optionsType,
      TrainerCapabilities capabilities,
      Function<TrainerContext, Trainer> create) {
    record Named(
        String name,
        Class<? extends Record> optionsType,
        TrainerCapabilities capabilities,
        Function<TrainerContext, Trainer> function)
        implements TrainerProvider {
      @Override
      public Trainer create(TrainerContext argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, optionsType, capabilities, create);
  }

  /**
   * The context that a trainer is created with.
   *
   * @param compute the resources that it may use
   * @param options the options that the configuration gives the trainer
   * @param clock the time that a chat template may write; the same as the generator's
   */
  record TrainerContext(ComputeSettings compute, PartOptions options, Clock clock) {
    /** A context at the machine's time. */
    public TrainerContext(ComputeSettings compute, PartOptions options) {
      this(compute, options, Clock.systemDefaultZone());
    }

    public TrainerContext {
      Objects.requireNonNull(clock, "clock");
      Objects.requireNonNull(compute, "compute");
      Objects.requireNonNull(options, "options");
    }
  }

  /**
   * What a trainer can do.
   *
   * @param losses the losses that it minimizes
   * @param optimizers the optimizers that it has
   * @param features what else it can
   */
  record TrainerCapabilities(Set<Loss> losses, Set<Optimizer> optimizers, Set<Feature> features) {
    /** Fine-tuning and DPO by AdamW, nothing else. */
    public static final TrainerCapabilities MINIMAL =
        new TrainerCapabilities(
            Set.of(Loss.SFT, Loss.SIGMOID), Set.of(Optimizer.ADAMW), EnumSet.noneOf(Feature.class));

    public TrainerCapabilities {
      losses = Set.copyOf(losses);
      optimizers = Set.copyOf(optimizers);
      features = Set.copyOf(features);
    }
  }

  /** Something that a trainer may be able to do. */
  enum Feature {
    /** Trains {@linkplain TrainingSettings#lora() LoRA adapters}. */
    LORA,
    /** Trains them on a base in 8 bits. */
    QUANTIZED_LORA,
    /** Evaluates held-out examples. */
    HELD_OUT,
    /** Weighs pairs by their {@link TrainingExample.Preference#consistency()}. */
    CONSISTENCY,
    /** Scores {@linkplain Probe probes}. */
    PROBES,
    /** {@link TrainingSettings#activationCheckpointing()}. */
    ACTIVATION_CHECKPOINTING,
    /** Trains models that are {@linkplain Checkpoint#reference references}, no folders here. */
    MODEL_REFERENCES
  }
}
