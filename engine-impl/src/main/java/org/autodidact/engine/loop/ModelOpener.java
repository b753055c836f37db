package org.autodidact.engine.loop;

import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;
import org.autodidact.api.ModelsDisagreeException;

/** Opens the run's checkpoints in its generator, after a check that they are what was trained. */
final class ModelOpener {
  private final StageRunner run;
  private final HandoverCheck handovers;

  ModelOpener(StageRunner run) {
    this.run = run;
    this.handovers = new HandoverCheck(run.store(), run.cancellation());
  }

  LazyModel open(Checkpoint checkpoint) {
    return new LazyModel(checkpoint, () -> load(checkpoint));
  }

  private Generator load(Checkpoint checkpoint) {
    run.store().verify(checkpoint.name(), checkpoint.folder(), run.cancellation());
    Generator generator =
        run.plugins()
            .generator(run.config().generator())
            .open(checkpoint, run.config().compute().settings(), run.cancellation());
    try {
      handovers.check(checkpoint.name(), generator);
    } catch (RuntimeException e) {
      generator.close();
      if (e instanceof ModelsDisagreeException) {
        run.store().forgetFiles(checkpoint.name()); // so that the right files can replace them
      }
      throw e;
    }
    return generator;
  }

  /** Loads the last iterate, which generates nothing any more, to check that it can be read. */
  void check(LazyModel model) {
    if (handovers.isDue(model.checkpoint().name())) {
      run.cancellation().throwIfCancelled();
      model.generator();
    }
  }
}
