package org.autodidact.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Plugin;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.autodidact.api.UnsupportedModelException;

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
  private final boolean reads;

  /** With {@code scores} or, without, a judge that never writes one. */
  public FakePlugin(boolean scores) {
    this(scores, false);
  }

  /** With {@code reads} its generator is a scorer too. */
  public FakePlugin(boolean scores, boolean reads) {
    this.scores = scores;
    this.reads = reads;
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
            double likely = -1 - random.nextDouble();
            candidates.add(
                new Candidate(seed, text, List.of(1, 2), likely, FinishReason.END_OF_TEXT));
            written++;
          }
          results.accept(new Generation(request.prompt().id(), List.of(1), candidates));
          c.throwIfCancelled();
        }
      }

      @Override
      public Optional<Scorer> scorer() {
        return reads ? Optional.of(FakePlugin::score) : Optional.empty();
      }

      @Override
      public void close() {}
    };
  }

  /** Prefers the longer of what stands between the tags of A and B, and what stands first. */
  private static void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation c) {
    for (ScoringRequest request : requests) {
      c.throwIfCancelled();
      String text = request.prompt().instruction();
      double a = between(text, "A>").length() + 1;
      double b = between(text, "B>").length();
      List<Double> found = new ArrayList<>();
      for (String continuation : request.continuations()) {
        found.add(
            switch (continuation) {
              case "A" -> Math.log(a / (a + b));
              case "B" -> Math.log(b / (a + b));
              default -> -1.0 - Math.abs(continuation.hashCode() + text.length()) % 7;
            });
      }
      results.accept(
          new Scoring(
              request.prompt().id(),
              found,
              request.continuations().stream().map(String::length).toList()));
    }
  }

  private static String between(String text, String tag) {
    int start = text.indexOf(tag);
    int end = text.indexOf("</", start + 1);
    return start < 0 || end < 0 ? "" : text.substring(start + tag.length(), end);
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
          public Set<GeneratorCapability> capabilities() {
            Set<GeneratorCapability> all = EnumSet.allOf(GeneratorCapability.class);
            all.remove(GeneratorCapability.MODEL_REFERENCES);
            if (generator().scorer().isEmpty()) {
              all.remove(GeneratorCapability.SCORES);
            }
            return all;
          }

          @Override
          public void check(GeneratorContext context) {
            if (context.compute().precision().equals(ComputeSettings.Precision.BF16)) {
              throw new UnsupportedModelException("the fake generator has no bf16");
            }
          }

          @Override
          public Generator open(GeneratorContext context) {
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
          public TrainerCapabilities capabilities() {
            return new TrainerCapabilities(
                Set.copyOf(Loss.KNOWN), Set.copyOf(Optimizer.KNOWN), EnumSet.allOf(Feature.class));
          }

          @Override
          public Trainer create(TrainerContext context) {
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
