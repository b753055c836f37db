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
}
