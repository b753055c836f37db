package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.FinishReason;
import org.autodidact.api.ModelsDisagreeException;
import org.autodidact.api.Plugin;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingResult;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.ModelHandover.Comparison;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trainer and generator hold the same model, or the run stops: with the real plugins. */
class HandoverTest {
  private static final int TOKENS = 8;

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    TinyModel.write(folder.resolve("tiny"), 5);
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"Question " + i + "?\"}\n");
    }
    Files.writeString(folder.resolve("p.jsonl"), prompts);
  }

  private RunConfig config(String more) throws IOException {
    Path file = folder.resolve("run.yaml");
    Files.writeString(
        file,
        """
        model: tiny
        prompts: {file: p.jsonl, per-iteration: 6}
        judge: {name: expected-score, samples: 1}
        preference-training: {batch-size: 32, learning-rate: 1e-2, max-length: 400}
        """
            + ("candidates: {count: 3, max-tokens: " + TOKENS + ", temperature: 1, top-p: 1}\n")
            + more);
    return ConfigFile.read(file, Map.of());
  }

  /** A trainer that does something to what the real one wrote: base and output folder. */
  private static Autodidact crooked(BiConsumer<Path, Path> deed) {
    return Autodidact.builder()
        .plugin(
            new Plugin() {
              @Override
              public String name() {
                return "crooked";
              }

              @Override
              public List<TrainerProvider> trainers() {
                return List.of(
                    new TrainerProvider() {
                      @Override
                      public String name() {
                        return "crooked";
                      }

                      @Override
                      public Trainer create(TrainerContext context) {
                        Trainer real =
                            Plugins.discover(List.of()).trainer("djl-pytorch").create(context);
                        return (request, metrics, cancellation) -> {
                          TrainingResult result = real.train(request, metrics, cancellation);
                          deed.accept(
                              weights(request.base().folder()), weights(request.output().folder()));
                          return result;
                        };
                      }
                    });
              }
            })
        .build();
  }

  private static Path weights(Path model) {
    return model.resolve("model.safetensors");
  }

  /**
   * Before its first step the trainer has the generator's log-probabilities of the drawn tokens.
   */
  @Test
  void whatWasDrawnIsWhatIsTrained() throws IOException {
    Path run = folder.resolve("run");
    Autodidact.builder().build().run(config("iterations: 2\n"), run);
    try (RunStore store = RunStore.open(run)) {
      List<PreferencePair> pairs = store.iterations().pairs(1);
      assertThat(pairs)
          .isNotEmpty()
          .anyMatch(p -> p.chosen().candidate().finishReason() == FinishReason.MAX_TOKENS);
      Map<String, Double> first = store.trainingLog().steps("M2").get(0).values();
      assertThat(first.get("logps/chosen"))
          .isCloseTo(
              pairs.stream()
                  .mapToDouble(p -> p.chosen().candidate().logProbability().orElseThrow())
                  .average()
                  .orElseThrow(),
              within(1e-3 * TOKENS));
      assertThat(first.get("logps/rejected"))
          .isCloseTo(
              pairs.stream()
                  .mapToDouble(p -> p.rejected().candidate().logProbability().orElseThrow())
                  .average()
                  .orElseThrow(),
              within(1e-3 * TOKENS));
      for (int t = 2; t <= 3; t++) {
        Comparison found = ModelHandover.comparison(store, "M" + t).orElseThrow();
        assertThat(found.verdict()).isEqualTo(Comparison.AGREE);
        assertThat(found.probes()).isEqualTo(6);
        assertThat(found.bound()).isEqualTo(1e-3);
        assertThat(found.largest()).isLessThan(1e-4);
        assertThat(store.iterations().metrics(t))
            .containsEntry("handover-difference", found.largest());
      }
      assertThat(Files.readString(HtmlReport.write(store))).contains("From the trainer to the");
    }
  }

  @Test
  void fineTuningIsComparedByItsExamples() throws IOException {
    Files.writeString(
        folder.resolve("ift.jsonl"),
        "{\"prompt\":\"What?\",\"response\":\"This. \u00e9\"}\n{\"prompt\":\"a\",\"response\":\"b\"}\n");
    Path run = folder.resolve("run");
    Autodidact.builder().build().run(config("iterations: 0\nfine-tuning: {ift: ift.jsonl}\n"), run);
    try (RunStore store = RunStore.open(run)) {
      Comparison found = ModelHandover.comparison(store, "M1").orElseThrow();
      assertThat(found.verdict()).isEqualTo(Comparison.AGREE);
      assertThat(found.tokens()).isEqualTo("This. \u00e9".length() + 1 + 1 + 1 + 1);
    }
  }

  /** The base's weights in place of the trained ones: the run stops, and goes on once mended. */
  @Test
  void anOldCheckpointStopsTheRunBeforeItWritesAnything() throws IOException {
    Path run = folder.resolve("run");
    Path right = folder.resolve("right");
    Autodidact stale =
        crooked(
            (base, output) -> {
              if (!output.getParent().endsWith("M2")) {
                return;
              }
              copy(output, right);
              copy(base, output);
            });
    assertThatThrownBy(() -> stale.run(config("iterations: 2\ntrainer: crooked\n"), run))
        .isInstanceOf(ModelsDisagreeException.class)
        .hasMessageMatching("M2: ln p of candidate 0 of prompt 'p\\d+' \\(\\d+ tokens\\) is .*")
        .hasMessageContaining("is rounding")
        .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(350));
    assertThatThrownBy(() -> stale.resume(run, new Cancellation()))
        .isInstanceOf(ModelsDisagreeException.class);
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.iterations().ownCandidates(2)).isEmpty();
      assertThat(ModelHandover.comparison(store, "M2").orElseThrow().verdict())
          .isEqualTo(Comparison.DISAGREE);
      copy(right, weights(store.model("M2").orElseThrow().folder()));
    }
    assertThat(stale.resume(run, new Cancellation()).name()).isEqualTo("M3");
  }

  /** One tensor is not what it was; of the last iterate, which writes nothing in the run, too. */
  @Test
  void aPerturbedTensorStopsTheRun() throws IOException {
    Path run = folder.resolve("run");
    Autodidact perturbing = crooked((base, output) -> perturb(output));
    assertThatThrownBy(() -> perturbing.run(config("iterations: 1\ntrainer: crooked\n"), run))
        .isInstanceOf(ModelsDisagreeException.class)
        .hasMessageContaining("it was written or read wrongly");
  }

  private static void copy(Path from, Path to) {
    try {
      Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes the first of the tensors larger by a fiftieth. */
  private static void perturb(Path weights) {
    try {
      ByteBuffer bytes =
          ByteBuffer.wrap(Files.readAllBytes(weights)).order(ByteOrder.LITTLE_ENDIAN);
      int data = Math.toIntExact(Long.BYTES + bytes.getLong(0));
      for (int at = data; at < data + 4 * 32 * 259; at += 4) {
        bytes.putFloat(at, 1.02f * bytes.getFloat(at));
      }
      Files.write(weights, bytes.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
