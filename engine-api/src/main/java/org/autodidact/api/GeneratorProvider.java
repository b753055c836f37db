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
   * Refuses a folder that {@link #open} would, as far as that can be told without loading it. A run
   * asks before anything is stored. By default every folder will do.
   *
   * @throws InvalidInputException where the folder is not a readable checkpoint
   * @throws UnsupportedModelException where the plugin cannot run this architecture
   */
  default void check(Checkpoint checkpoint) {}
}
