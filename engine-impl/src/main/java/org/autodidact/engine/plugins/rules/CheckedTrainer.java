package org.autodidact.engine.plugins.rules;

import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
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
      public Trainer create(ComputeSettings settings) {
        Trainer created = PluginCalls.call(who, () -> provider.create(settings));
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
    Taker taker = new Taker(metrics);
    TrainingResult result;
    try {
      result = trainer.train(request, taker::take, cancellation);
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      taker.throwFound();
      if (e instanceof AutodidactException known) {
        throw PluginCalls.known(known);
      }
      throw PluginCalls.failure(who, e);
    }
    taker.throwFound();
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

  /** Takes metrics; what is wrong with them is thrown after the call even if it was not heeded. */
  private final class Taker {
    private final Consumer<TrainingMetrics> metrics;
    private final Thread caller = Thread.currentThread();
    private final AtomicReference<Throwable> found = new AtomicReference<>();

    Taker(Consumer<TrainingMetrics> metrics) {
      this.metrics = metrics;
    }

    void take(TrainingMetrics m) {
      try {
        if (m == null || Thread.currentThread() != caller) {
          throw broken("T2", "it handed metrics over that are null, or on another thread");
        }
        m.values().forEach((name, value) -> requireNumber(m.step(), name, value));
        metrics.accept(m);
      } catch (RuntimeException | Error e) {
        found.compareAndSet(null, e);
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

    void throwFound() {
      if (found.get() instanceof Error error) {
        throw error;
      }
      if (found.get() != null) {
        throw (RuntimeException) found.get();
      }
    }
  }
}
