package org.autodidact.engine.plugins.rules;

import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.PartOptions;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;

/** A plugin's trainer, held to the rules that can be seen from outside. */
public final class CheckedTrainer implements Trainer {
  private final String who;
  private final Trainer trainer;

  private CheckedTrainer(String who, Trainer trainer) {
    this.who = who;
    this.trainer = trainer;
  }

  /** The provider, whose trainers are checked. */
  public static TrainerProvider provider(TrainerProvider provider) {
    String who = "the trainer '" + provider.name() + "'";
    return new TrainerProvider() {
      @Override
      public String name() {
        return provider.name();
      }

      @Override
      public Class<? extends Record> optionsType() {
        return provider.optionsType();
      }

      @Override
      public TrainerCapabilities capabilities() {
        return provider.capabilities();
      }

      @Override
      public TrainerCapabilities capabilities(PartOptions options) {
        return provider.capabilities(options);
      }

      @Override
      public Trainer create(TrainerContext context) {
        return new CheckedTrainer(who, PluginCalls.open(who, "T1", () -> provider.create(context)));
      }
    };
  }

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    MetricsContract contract = new MetricsContract(metrics);
    TrainingResult result;
    try {
      result = trainer.train(request, contract::accept, cancellation);
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      contract.throwFailure();
      if (e instanceof AutodidactException known) {
        throw PluginCalls.known(known);
      }
      throw PluginCalls.failure(who, e);
    }
    contract.throwFailure();
    if (result == null
        || !result.checkpoint().name().equals(request.output().name())
        || (!result.checkpoint().isReference() && !result.checkpoint().equals(request.output()))) {
      throw broken(
          "T1",
          "it was to make "
              + request.output()
              + " and returned "
              + (result == null ? "null" : result.checkpoint()));
    }
    if (!result.checkpoint().isReference() && !Files.isDirectory(request.output().folder())) {
      throw broken("T1", request.output().folder() + " is not there");
    }
    int scored = result.probes().size();
    if (scored != 0 && scored != request.probes().size()) {
      throw broken("T10", "of " + request.probes().size() + " probes it scored " + scored);
    }
    return result;
  }

  private RuleBrokenException broken(String rule, String found) {
    return new RuleBrokenException(who, rule, found);
  }

  /**
   * Checks the metrics of each step; a failure is thrown after the call even if it was swallowed.
   */
  private final class MetricsContract {
    private final Consumer<TrainingMetrics> metrics;
    private final Thread caller = Thread.currentThread();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    MetricsContract(Consumer<TrainingMetrics> metrics) {
      this.metrics = metrics;
    }

    void accept(TrainingMetrics m) {
      try {
        if (m == null || Thread.currentThread() != caller) {
          throw broken("T2", "it reported metrics that are null, or on another thread");
        }
        m.values().forEach((name, value) -> requireNumber(m.step(), name, value));
        metrics.accept(m);
      } catch (RuntimeException | Error e) {
        failure.compareAndSet(null, e);
        throw e;
      }
    }

    /** A loss that is no number is the end of a training, not a measurement. */
    private void requireNumber(int step, String name, Double value) {
      if (value == null || !Double.isFinite(value)) {
        throw new TrainingDivergedException(
            "step " + step + ": " + name + " is " + value + ", said " + who,
            List.of(),
            "Lower the learning rate");
      }
    }

    void throwFailure() {
      if (failure.get() instanceof Error error) {
        throw error;
      }
      if (failure.get() != null) {
        throw (RuntimeException) failure.get();
      }
    }
  }
}
