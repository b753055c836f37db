package org.autodidact.api;

import java.util.function.Function;

/** Creates trainers; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface TrainerProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  Trainer create(ComputeSettings settings);

  /** A provider whose trainers a function creates. */
  static TrainerProvider of(String name, Function<ComputeSettings, Trainer> create) {
    record Named(String name, Function<ComputeSettings, Trainer> function)
        implements TrainerProvider {
      @Override
      public Trainer create(ComputeSettings argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, create);
  }
}
