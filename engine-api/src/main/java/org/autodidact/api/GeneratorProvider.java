package org.autodidact.api;

import java.time.Clock;
import java.util.Objects;
import java.util.Set;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Opens generators; found by name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface GeneratorProvider extends PartProvider {
  /**
   * Loads a checkpoint, which may take minutes, unless it is cancelled: a provider that takes
   * longer than a second asks {@link GeneratorContext#cancellation()} while it loads. The caller
   * closes the result.
   *
   * @throws CancelledException once the cancellation is set; nothing stays open
   * @throws InvalidInputException where the checkpoint cannot be read, or an option not be used
   * @throws UnsupportedModelException where the plugin cannot run this architecture or precision
   */
  Generator open(GeneratorContext context);

  /** Loads a checkpoint without options; nobody cancels it. */
  default Generator open(Checkpoint checkpoint, ComputeSettings compute) {
    return open(new GeneratorContext(checkpoint, compute));
  }

  /**
   * Refuses what {@link #open} would refuse, as far as that can be known without loading the
   * checkpoint. A run asks before any work is done. By default all is accepted.
   *
   * @throws InvalidInputException where the checkpoint cannot be read, or an option not be used
   * @throws UnsupportedModelException where the plugin cannot run this architecture, or not in this
   *     precision or on this device
   */
  default void check(GeneratorContext context) {}

  /**
   * What its generators can do, on every device. A run that needs more is refused before any work.
   * By default nothing but sampling texts.
   */
  default Set<GeneratorCapability> capabilities() {
    return Set.of();
  }

  /**
   * The context that a generator is opened with.
   *
   * @param checkpoint the model
   * @param compute the resources that it may use
   * @param options the options that the configuration gives the generator
   * @param clock the time that a chat template may write; a run's stands still, so that it samples
   *     the same when it is resumed on another day
   * @param cancellation once set, opening ends
   */
  record GeneratorContext(
      Checkpoint checkpoint,
      ComputeSettings compute,
      PartOptions options,
      Clock clock,
      Cancellation cancellation) {
    public GeneratorContext {
      Objects.requireNonNull(checkpoint, "checkpoint");
      Objects.requireNonNull(compute, "compute");
      Objects.requireNonNull(options, "options");
      Objects.requireNonNull(clock, "clock");
      Objects.requireNonNull(cancellation, "cancellation");
    }

    /** A context without options, at the machine's time, that nobody cancels. */
    public GeneratorContext(Checkpoint checkpoint, ComputeSettings compute) {
      this(checkpoint, compute, PartOptions.none(), Clock.systemDefaultZone(), new Cancellation());
    }
  }
}
