package org.autodidact.api;

/** Opens generators; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface GeneratorProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  /**
   * Loads the checkpoint. The caller closes the result.
   *
   * @throws InvalidInputException where the folder is not a readable checkpoint
   * @throws UnsupportedModelException where the plugin cannot run this architecture or precision
   */
  Generator open(Checkpoint checkpoint, ComputeSettings settings);

  /**
   * Refuses what {@link #open} would refuse, as far as that can be known without loading the
   * checkpoint. A run asks before any work is done. By default all is accepted.
   *
   * @throws InvalidInputException where the folder is not a readable checkpoint
   * @throws UnsupportedModelException where the plugin cannot run this architecture, or not in this
   *     precision or on this device
   */
  default void check(Checkpoint checkpoint, ComputeSettings settings) {}

  /**
   * Loads the checkpoint, which may take minutes, unless it is cancelled. A provider that takes
   * longer than a second overrides this and asks {@code cancellation} at least as often; the
   * default does not ask it while it loads.
   *
   * @throws CancelledException once {@code cancellation} is set; nothing stays open
   * @throws InvalidInputException where the folder is not a readable checkpoint
   * @throws UnsupportedModelException where the plugin cannot run this architecture or precision
   */
  default Generator open(
      Checkpoint checkpoint, ComputeSettings settings, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    return open(checkpoint, settings);
  }
}
