package org.autodidact.api;

/** Creates trainers; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface TrainerProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  Trainer create(ComputeSettings settings);
}
