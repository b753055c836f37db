package org.autodidact.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;

/**
 * A generator that writes {@code score: n} with a digit of its seed's, and a trainer that writes a
 * folder: the engine without models. Public, so that tests of all packages may use it.
 */
public final class FakePlugin implements Plugin {
  /** How many candidates were written, judgements included. */
  public int written;

  /** How many steps were trained. */
  public int trained;

  private final boolean scores;

  /** With {@code scores} or, without, a judge that never writes one. */
  public FakePlugin(boolean scores) {
    this.scores = scores;
  }

  @Override
  public String name() {
    return "fake";
  }

  /** What {@code generators} opens. */
  public Generator generator() {
    return new Generator() {
      @Override
      public void generate(
          List<GenerationRequest> requests, Consumer<Generation> results, Cancellation c) {
        c.throwIfCancelled();
        long distinct = requests.stream().map(r -> r.prompt().id()).distinct().count();
        if (distinct < requests.size()) {
          throw new InvalidInputException("a prompt id occurs twice: j0 or p1");
        }
        for (GenerationRequest request : requests) {
          List<Candidate> candidates = new ArrayList<>();
          for (long seed : request.seeds()) {
            Random random = new Random(seed ^ request.prompt().instruction().hashCode());
            String text =
                scores ? "so " + seed + ". Score: " + random.nextInt(6) : "I would not know.";
            candidates.add(new Candidate(seed, text, List.of(1, 2), -1, FinishReason.END_OF_TEXT));
            written++;
          }
          results.accept(new Generation(request.prompt().id(), List.of(1), candidates));
          c.throwIfCancelled();
        }
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public List<GeneratorProvider> generators() {
    return List.of(
        new GeneratorProvider() {
          @Override
          public String name() {
            return "fake";
          }

          @Override
          public Generator open(Checkpoint checkpoint, ComputeSettings settings) {
            return generator();
          }
        });
  }

  @Override
  public List<TrainerProvider> trainers() {
    return List.of(
        new TrainerProvider() {
          @Override
          public String name() {
            return "fake";
          }

          @Override
          public Trainer create(ComputeSettings settings) {
            return FakePlugin.this::train;
          }
        });
  }

  private TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    List<TrainingMetrics> all =
        IntStream.rangeClosed(1, request.examples().size())
            .mapToObj(
                step ->
                    TrainingMetrics.of(
                        step, request.examples().size(), 10, Map.of("loss", 1.0 / step)))
            .toList();
    for (TrainingMetrics m : all) {
      cancellation.throwIfCancelled();
      trained++;
      metrics.accept(m);
    }
    try {
      Path folder = Files.createDirectories(request.output().folder());
      Files.writeString(folder.resolve("made-of"), request.base().name());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new TrainingResult(request.output(), all, false);
  }
}
