package org.autodidact.engine.loop;

import java.util.function.Consumer;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.ModelsDisagreeException;
import org.autodidact.api.Usage;
import org.autodidact.engine.config.Part;
import org.autodidact.engine.plugins.Requirements;

/** Opens the run's checkpoints in its generator, after a check that they are what was trained. */
final class ModelOpener {
  private final StageRunner run;
  private final HandoverCheck handovers;

  ModelOpener(StageRunner run) {
    this.run = run;
    this.handovers = new HandoverCheck(run.store(), run.cancellation());
  }

  LazyModel open(Checkpoint checkpoint) {
    return new LazyModel(checkpoint, () -> load(checkpoint), usage(checkpoint));
  }

  /**
   * The model that judges: the learner, or one of the judge's own, which is frozen. The learner
   * stays the caller's; closing the result closes only what is the judge's own.
   */
  LazyModel judge(LazyModel learner) {
    return JudgeModel.of(run.config(), run.plugins())
        .map(
            own ->
                new LazyModel(
                    own.named(),
                    () -> {
                      Checkpoint model = own.in(run.store().folder());
                      run.store().verify(model, run.cancellation());
                      return open(own.generator(), model);
                    },
                    usage(own.named())))
        .orElseGet(() -> LazyModel.borrowed(learner));
  }

  private Consumer<Usage> usage(Checkpoint checkpoint) {
    return usage -> run.store().addUsage(checkpoint.name(), usage);
  }

  private Generator open(Part part, Checkpoint checkpoint) {
    if (checkpoint.isReference()) {
      Requirements.generator(
          run.plugins().generator(part.name()),
          GeneratorCapability.MODEL_REFERENCES,
          checkpoint.name() + ", which is the reference " + checkpoint.location() + ",");
    }
    return run.plugins()
        .generator(part.name())
        .open(
            new GeneratorContext(
                checkpoint,
                run.config().compute().settings(),
                part.partOptions(),
                run.store().clock(),
                run.cancellation()));
  }

  private Generator load(Checkpoint checkpoint) {
    run.store().verify(checkpoint, run.cancellation());
    Generator generator = open(run.config().generator(), checkpoint);
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
