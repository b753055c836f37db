package org.example;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;

/** A generator and a trainer that only pretend, so that a host runs in a second without a model. */
public final class StandIns implements Plugin {
  @Override
  public String name() {
    return "stand-ins";
  }

  @Override
  public List<GeneratorProvider> generators() {
    return List.of(
        new GeneratorProvider() {
          @Override
          public String name() {
            return "stand-in";
          }

          @Override
          public Generator open(GeneratorContext context) {
            return new PretendingGenerator();
          }

          @Override
          public Set<GeneratorCapability> capabilities() {
            return Set.of(GeneratorCapability.SCORES);
          }
        });
  }

  @Override
  public List<TrainerProvider> trainers() {
    return List.of(TrainerProvider.of("stand-in", settings -> StandIns::train));
  }

  private static TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    TrainingMetrics step = TrainingMetrics.of(1, 1, 1, Map.of("loss", 0.5));
    metrics.accept(step);
    try {
      Files.createDirectories(request.output().folder());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new TrainingResult(request.output(), List.of(step), false);
  }

  /** Texts and probabilities are random, from the seed or the text. */
  private static final class PretendingGenerator implements Generator {
    @Override
    public void generate(
        List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
      for (GenerationRequest request : requests) {
        cancellation.throwIfCancelled();
        List<Candidate> candidates =
            request.seeds().stream()
                .map(
                    seed ->
                        new Candidate(
                            seed, "answer " + seed, List.of(1), -1, FinishReason.END_OF_TEXT))
                .toList();
        results.accept(new Generation(request.prompt().id(), List.of(1), candidates));
      }
    }

    @Override
    public Optional<Scorer> scorer() {
      return Optional.of(
          (requests, results, cancellation) -> {
            for (ScoringRequest request : requests) {
              Random random = new Random(request.prompt().instruction().hashCode());
              List<Double> scores =
                  request.continuations().stream().map(text -> -random.nextDouble() * 5).toList();
              List<Integer> tokens = request.continuations().stream().map(text -> 1).toList();
              results.accept(new Scoring(request.prompt().id(), scores, tokens));
            }
          });
    }

    @Override
    public void close() {}
  }
}
