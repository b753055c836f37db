package org.autodidact.engine;

import java.nio.file.Files;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;

/** A plugin's trainer, held to the rules that can be seen from outside. */
final class CheckedTrainer implements Trainer {
  private final String who;
  private final Trainer trainer;

  private CheckedTrainer(String who, Trainer trainer) {
    this.who = who;
    this.trainer = trainer;
  }

  /** The provider, whose trainers are checked. */
  static TrainerProvider provider(TrainerProvider provider) {
    String who = "the trainer '" + provider.name() + "'";
    return new TrainerProvider() {
      @Override
      public String name() {
        return provider.name();
      }

      @Override
      public Trainer create(ComputeSettings settings) {
        Trainer created = provider.create(settings);
        if (created == null) {
          throw new RuleBrokenException(who, "T1", "its provider created null");
        }
        return new CheckedTrainer(who, created);
      }
    };
  }

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    Thread caller = Thread.currentThread();
    TrainingResult result =
        trainer.train(
            request,
            m -> {
              if (m == null || Thread.currentThread() != caller) {
                throw broken("T2", "it handed metrics over that are null, or on another thread");
              }
              metrics.accept(m);
            },
            cancellation);
    if (result == null || !result.checkpoint().equals(request.output())) {
      throw broken(
          "T1",
          "it was to make "
              + request.output()
              + " and returned "
              + (result == null ? "null" : result.checkpoint()));
    }
    if (!Files.isDirectory(request.output().folder())) {
      throw broken("T1", request.output().folder() + " is not there");
    }
    int weighed = result.probes().size();
    if (weighed != 0 && weighed != request.probes().size()) {
      throw broken("T10", "of " + request.probes().size() + " probes it weighed " + weighed);
    }
    return result;
  }

  private RuleBrokenException broken(String rule, String found) {
    return new RuleBrokenException(who, rule, found);
  }
}
