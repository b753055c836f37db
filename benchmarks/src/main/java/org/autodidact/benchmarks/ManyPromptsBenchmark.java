package org.autodidact.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
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
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Plugin;
import org.autodidact.api.Scorer;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.RunStore;

/**
 * What the loop itself costs: one iteration of N prompts with 4 candidates each, by a generator, a
 * judge and a trainer that answer at once; then the finished run once more, and its report. Prints
 * a line for each N: seconds, the processor's time for a prompt, and the share of garbage
 * collection. Arguments: a folder that is not there yet, and the Ns.
 */
public final class ManyPromptsBenchmark {
  private ManyPromptsBenchmark() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Files.createDirectory(Path.of(arguments[0]));
    measure(folder, 2_000, false); // warm
    for (int i = 1; i < arguments.length; i++) {
      measure(folder, Integer.parseInt(arguments[i]), true);
    }
  }

  private static void measure(Path folder, int prompts, boolean print) throws IOException {
    Path base = Files.createDirectories(folder.resolve("model"));
    Files.writeString(base.resolve("weights"), "none");
    Path file = folder.resolve(prompts + ".jsonl");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < prompts; i++) {
        out.write("{\"prompt\": \"What is " + i + " and " + (i + 1) + "?\"}\n");
      }
    }
    Path config = folder.resolve(prompts + ".yaml");
    Files.writeString(
        config,
        String.join(
            "\n",
            "model: model",
            "iterations: 1",
            "generator: instant",
            "trainer: instant",
            "prompts: {file: " + file.getFileName() + ", per-iteration: " + prompts + "}",
            "candidates: {count: 4}",
            "judge: {name: instant}"));
    Path run = folder.resolve("run-" + prompts);
    Autodidact engine = Autodidact.builder().plugin(new InstantPlugin()).build();
    long collected = collectionMillis();
    double used = cpuSeconds();
    double first = seconds(() -> engine.run(ConfigFile.read(config, Map.of()), run));
    double collection = (collectionMillis() - collected) / 1e3;
    used = cpuSeconds() - used;
    double again = seconds(() -> engine.resume(run));
    double report =
        seconds(
            () -> {
              try (RunStore store = RunStore.read(run)) {
                HtmlReport.write(store, run.resolve("report.html"));
              }
            });
    if (print) {
      System.out.printf(
          Locale.ROOT,
          "%,d prompts: run %.1f s (%.0f us of the processor a prompt, garbage collection %.0f %%),"
              + " again %.1f s, report %.1f s, run.db %.0f MB%n",
          prompts,
          first,
          used / prompts * 1e6,
          100 * collection / first,
          again,
          report,
          Files.size(run.resolve("run.db")) / 1e6);
    }
  }

  private static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }

  /** Of all threads; a neighbour on the same cores does not change it much. */
  private static double cpuSeconds() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime()
        / 1e9;
  }

  private static long collectionMillis() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionTime)
        .sum();
  }

  /** Parts that answer at once. */
  private static final class InstantPlugin implements Plugin {
    @Override
    public String name() {
      return "instant";
    }

    @Override
    public List<GeneratorProvider> generators() {
      return List.of(
          new GeneratorProvider() {
            @Override
            public String name() {
              return "instant";
            }

            @Override
            public Set<GeneratorCapability> capabilities() {
              return EnumSet.of(
                  GeneratorCapability.TOKEN_IDS, GeneratorCapability.LOG_PROBABILITIES);
            }

            @Override
            public Generator open(GeneratorContext context) {
              return new InstantGenerator();
            }
          });
    }

    @Override
    public List<JudgeProvider> judges() {
      return List.of(JudgeProvider.of("instant", context -> new InstantJudge()));
    }

    @Override
    public List<TrainerProvider> trainers() {
      return List.of(
          new TrainerProvider() {
            @Override
            public String name() {
              return "instant";
            }

            @Override
            public TrainerCapabilities capabilities() {
              return new TrainerCapabilities(
                  Set.copyOf(Loss.KNOWN),
                  Set.copyOf(Optimizer.KNOWN),
                  EnumSet.noneOf(Feature.class));
            }

            @Override
            public Trainer create(TrainerContext context) {
              return InstantPlugin::train;
            }
          });
    }

    private static TrainingResult train(
        TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
      int tokens = 0;
      for (TrainingExample example : request.examples()) {
        tokens += ((TrainingExample.Preference) example).chosen().tokens().size();
      }
      TrainingMetrics step = TrainingMetrics.of(1, 1, tokens, Map.of("loss", 1.0));
      metrics.accept(step);
      try {
        Files.writeString(
            Files.createDirectories(request.output().folder()).resolve("weights"), "none");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return new TrainingResult(request.output(), List.of(step), false);
    }
  }

  private static final class InstantGenerator implements Generator {
    @Override
    public void generate(
        List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
      for (GenerationRequest request : requests) {
        cancellation.throwIfCancelled();
        List<Candidate> candidates = new ArrayList<>();
        for (long seed : request.seeds()) {
          candidates.add(
              new Candidate(seed, "It is " + seed, List.of(1, 2), -1.0, FinishReason.END_OF_TEXT));
        }
        results.accept(new Generation(request.prompt().id(), List.of(1, 2, 3), candidates));
      }
    }

    @Override
    public Optional<Scorer> scorer() {
      return Optional.empty();
    }

    @Override
    public void close() {}
  }

  private static final class InstantJudge implements Judge {
    @Override
    public void judge(
        List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
      for (JudgementRequest request : requests) {
        cancellation.throwIfCancelled();
        double score = Math.floorMod(request.seeds().get(0), 6);
        results.accept(
            Judgement.of(
                request.id(),
                List.of(new JudgementSample(OptionalDouble.of(score), "Score: " + score))));
      }
    }

    @Override
    public void close() {}
  }
}
