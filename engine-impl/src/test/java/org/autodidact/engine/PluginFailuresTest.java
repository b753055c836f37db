package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Plugin;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.PluginNotFoundException;
import org.autodidact.api.Prompt;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.RunListener;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.plugins.Plugins;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A plugin's fault is named by whose and where it is, and is in nobody else's way. */
class PluginFailuresTest {
  @TempDir Path folder;

  private static Plugin generating(Generator generator) {
    return new Plugin() {
      @Override
      public String name() {
        return "mine";
      }

      @Override
      public List<GeneratorProvider> generators() {
        return List.of(
            new GeneratorProvider() {
              @Override
              public String name() {
                return "mine";
              }

              @Override
              public Generator open(GeneratorContext context) {
                return generator;
              }
            });
      }
    };
  }

  private static Plugin training(Trainer trainer) {
    return new Plugin() {
      @Override
      public String name() {
        return "mine";
      }

      @Override
      public List<TrainerProvider> trainers() {
        return List.of(
            new TrainerProvider() {
              @Override
              public String name() {
                return "mine";
              }

              @Override
              public Trainer create(TrainerContext context) {
                return trainer;
              }
            });
      }
    };
  }

  private static Generator failing() {
    Generator fake = new FakePlugin(true).generator();
    return new Generator() {
      @Override
      public void generate(
          List<GenerationRequest> requests,
          java.util.function.Consumer<org.autodidact.api.Generation> results,
          Cancellation cancellation) {
        throw new IllegalArgumentException("boom");
      }

      @Override
      public void close() {
        fake.close();
      }
    };
  }

  @Test
  void whatAPluginThrowsIsNamedByPluginAndStage() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\":\"a\"}\n");
    assertThatThrownBy(
            () ->
                Autodidact.builder()
                    .plugin(generating(failing()))
                    .plugin(new FakePlugin(true))
                    .build()
                    .run(
                        ConfigFile.parse(
                            "{model: model, generator: mine, trainer: fake,"
                                + " prompts: {file: p.jsonl, per-iteration: 1}}",
                            "test",
                            Map.of(),
                            folder),
                        folder.resolve("run")))
        .isInstanceOf(PluginFailedException.class)
        .hasMessageContaining("M1/candidates")
        .hasMessageContaining("the generator 'mine' failed")
        .hasMessageContaining("boom")
        .hasCauseInstanceOf(IllegalArgumentException.class);
  }

  /** It is not the plugin's fault. */
  @Test
  void whatTheHostsListenerThrowsComesOutAsItIs() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\":\"a\"}\n");
    IllegalStateException own = new IllegalStateException("the host's");
    RunListener listener =
        new RunListener() {
          @Override
          public void progressed(Stage stage, int done, int total) {
            throw own;
          }
        };
    assertThatThrownBy(
            () ->
                Autodidact.builder()
                    .plugin(new FakePlugin(true))
                    .listener(listener)
                    .build()
                    .run(
                        ConfigFile.parse(
                            "{model: model, generator: fake, trainer: fake,"
                                + " prompts: {file: p.jsonl, per-iteration: 1}}",
                            "test",
                            Map.of(),
                            folder),
                        folder.resolve("run")))
        .isSameAs(own);
  }

  @Test
  void twoRequestsOfOneIdAreTheCallersFault() {
    Generator generator =
        Plugins.discover(List.of(new FakePlugin(true, true)))
            .generator("fake")
            .open(new Checkpoint("M0", folder), ComputeSettings.automatic());
    ScoringRequest request = new ScoringRequest(Prompt.of("same", "a"), "", List.of("b"), false);
    assertThatThrownBy(
            () ->
                generator
                    .scorer()
                    .orElseThrow()
                    .score(List.of(request, request), s -> {}, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'same'");
    GenerationRequest again =
        new GenerationRequest(Prompt.of("same", "a"), List.of(1L), SamplingParameters.greedy(4));
    assertThatThrownBy(() -> generator.generate(List.of(again, again), g -> {}, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'same'");
  }

  private void train(Trainer trainer) {
    Plugins.discover(List.of(training(trainer)))
        .trainer("mine")
        .create(ComputeSettings.automatic())
        .train(
            new TrainingRequest(
                new Checkpoint("M0", folder),
                List.of(),
                List.of(),
                TrainingSettings.sft(),
                1,
                new Checkpoint("M1", folder),
                folder.resolve("state")),
            m -> {},
            new Cancellation());
  }

  private static TrainingMetrics metrics(String name, double value) {
    return new TrainingMetrics(1, 1, 1, new TreeMap<>(Map.of(name, value)));
  }

  @Test
  void metricsFromAnotherThreadEndTheTrainingThoughTheTrainerHeedsNothing() {
    assertThatThrownBy(
            () ->
                train(
                    (request, metrics, cancellation) -> {
                      CompletableFuture.runAsync(() -> metrics.accept(metrics("loss", 1)))
                          .exceptionally(e -> null)
                          .join();
                      return new org.autodidact.api.TrainingResult(
                          request.output(), List.of(), false);
                    }))
        .isInstanceOf(RuleBrokenException.class)
        .hasMessageContaining("T2");
  }

  @Test
  void aLossThatIsNoNumberIsNoMeasurement() {
    assertThatThrownBy(
            () ->
                train(
                    (request, metrics, cancellation) -> {
                      metrics.accept(metrics("loss", Double.NaN));
                      return new org.autodidact.api.TrainingResult(
                          request.output(), List.of(), false);
                    }))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageContaining("loss is NaN")
        .hasMessageContaining("the trainer 'mine'");
  }

  private Plugins discoverWith(String services) throws Exception {
    Path jar = folder.resolve("broken" + services.hashCode() + ".jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry("META-INF/services/org.autodidact.api.Plugin"));
      out.write(services.getBytes(StandardCharsets.UTF_8));
    }
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, before)) {
      Thread.currentThread().setContextClassLoader(loader);
      return Plugins.discover(List.of(new FakePlugin(true)));
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  /** Found by its service file; its constructor fails. */
  public static final class Unconstructible implements Plugin {
    public Unconstructible() {
      throw new IllegalStateException("no server answers");
    }

    @Override
    public String name() {
      return "never";
    }
  }

  /** Made against something that is not there. */
  public static final class Unlinked implements Plugin {
    @Override
    public String name() {
      return "unlinked";
    }

    @Override
    public List<GeneratorProvider> generators() {
      throw new NoClassDefFoundError("org/other/Missing");
    }
  }

  @Test
  void aBrokenJarIsNamedAndInNobodysWay() throws Exception {
    for (String broken :
        List.of(
            "nowhere.Missing",
            Unconstructible.class.getName(),
            Unlinked.class.getName(),
            "not a class name at all")) {
      Plugins plugins = discoverWith(broken + "\n");
      assertThat(plugins.generator("fake").name()).isEqualTo("fake");
      assertThat(plugins.broken()).as(broken).hasSize(1);
      if (!broken.equals(Unlinked.class.getName())) {
        assertThat(plugins.broken().get(0).where()).as(broken).contains("/broken");
      }
      assertThatThrownBy(() -> plugins.judge("theirs"))
          .isInstanceOf(PluginNotFoundException.class)
          .hasMessageContaining("a plugin cannot be used");
    }
  }
}
