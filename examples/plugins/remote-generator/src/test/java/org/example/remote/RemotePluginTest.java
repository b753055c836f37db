package org.example.remote;

import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainerProvider.Feature;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RemotePluginTest {
  private static final StubServer SERVER = new StubServer();
  private static final Checkpoint MODEL = Checkpoint.reference("M0", "my-model");
  @TempDir private Path folder;

  @BeforeEach
  void beginToCount() {
    SERVER.requests.set(0);
    SERVER.status = 200;
    SERVER.delay = Duration.ZERO;
  }

  @AfterAll
  static void close() {
    SERVER.close();
  }

  private static Generator open() {
    // Every machine has this variable.
    PartOptions options = PartOptions.of(Map.of("url", SERVER.url(), "api-key", "${PATH}"));
    return new RemotePlugin()
        .generators()
        .get(0)
        .open(
            new GeneratorContext(
                MODEL,
                ComputeSettings.automatic(),
                options,
                Clock.systemUTC(),
                new Cancellation()));
  }

  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new RemotePlugin();
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return Map.of("url", SERVER.url());
    }

    @Override
    protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
      return Optional.of(MODEL);
    }
  }

  @Nested
  class Rules extends GeneratorRules {
    @Override
    protected Generator open() {
      return RemotePluginTest.open();
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      return new RemotePlugin().generators().get(0).capabilities();
    }
  }

  private static void generate(Generator generator) {
    generate(generator, new Cancellation());
  }

  private static void generate(Generator generator, Cancellation cancellation) {
    generator.generate(
        List.of(
            new GenerationRequest(
                Prompt.of("p", "Say."), List.of(1L), SamplingParameters.greedy(3))),
        g -> {},
        cancellation);
  }

  @Test
  void theKeyIsSentAndAServerThatIsBusyIsSaidToBe() {
    try (Generator generator = open()) {
      generate(generator);
      assertThat(SERVER.authorization).isEqualTo("Bearer " + System.getenv("PATH"));
      SERVER.status = 503;
      assertThatThrownBy(() -> generate(generator))
          .isInstanceOf(ServiceUnavailableException.class)
          .hasMessageContaining("503");
      SERVER.status = 404;
      assertThatThrownBy(() -> generate(generator))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("prompt 'p'");
    }
  }

  @Test
  void cancellingClosesTheConnectionThatWaits() {
    SERVER.delay = Duration.ofMinutes(10);
    Cancellation cancellation = new Cancellation();
    Thread canceller =
        new Thread(
            () -> {
              while (SERVER.requests.get() == 0) {
                Thread.onSpinWait();
              }
              cancellation.cancel();
            });
    canceller.start();
    try (Generator generator = open()) {
      assertThatThrownBy(() -> generate(generator, cancellation))
          .isInstanceOf(CancelledException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "judge-with-options",
        "selector-with-options",
        "remote-generator",
        "external-trainer"
      })
  void theConfigurationOfEachPluginCanBeRead(String plugin) {
    assertThat(ConfigFile.read(Path.of("..", plugin, "run.yaml"), Map.of()).prompts().file())
        .isPresent();
  }

  private void run(Map<String, String> changes, Cancellation cancellation) throws IOException {
    Path prompts = folder.resolve("prompts.jsonl");
    Files.writeString(prompts, "{\"id\": \"a\", \"prompt\": \"Why?\"}\n");
    Map<String, String> all = new HashMap<>();
    all.put("prompts.file", prompts.toString());
    all.put("prompts.per-iteration", "1");
    all.put("iterations", "1");
    all.put("trainer.name", "none");
    all.put("model", "my-model");
    all.put("generator.name", "chat-completions");
    all.put("judge.model", "");
    all.put("judge.generator", "");
    all.put("generator.options.url", SERVER.url());
    all.put("generator.options.api-key", "${PATH}");
    all.putAll(changes);
    Autodidact.builder()
        .plugin(new NoTrainer())
        .build()
        .run(ConfigFile.read(Path.of("run.yaml"), all), folder.resolve("run"), cancellation);
  }

  /** No trainer is needed before candidates are there. */
  private record NoTrainer(String name) implements Plugin {
    NoTrainer() {
      this("none");
    }

    private static TrainingResult train(
        TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
      throw new UnsupportedOperationException("there is no trainer");
    }

    @Override
    public List<TrainerProvider> trainers() {
      return List.of(TrainerProvider.of(
              "none",
              PartOptions.None.class,
              new TrainerCapabilities(
                  TrainerCapabilities.MINIMAL.losses(),
                  TrainerCapabilities.MINIMAL.optimizers(),
                  Set.of(Feature.MODEL_REFERENCES)),
              context -> NoTrainer::train));
    }
  }

  @Test
  void whatTheServerCannotDoCostsNoRequest() {
    assertThatThrownBy(() -> run(Map.of("judge.name", "expected-score"), new Cancellation()))
        .hasMessageContaining("'expected-score' needs a generator that can score");
    assertThatThrownBy(() -> run(Map.of("candidates.top-k", "5"), new Cancellation()))
        .hasMessageContaining("top-k");
    assertThatThrownBy(() -> run(Map.of("generator.options.parallel", "0"), new Cancellation()))
        .hasMessageContaining("parallel");
    assertThat(SERVER.requests).hasValue(0);
  }

  @Test
  void aChangedOptionIsNamedAtResume() throws IOException {
    Cancellation cancelled = new Cancellation();
    cancelled.cancel();
    assertThatThrownBy(() -> run(Map.of(), cancelled)).isInstanceOf(CancelledException.class);
    assertThatThrownBy(() -> run(Map.of("generator.options.parallel", "3"), new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("parallel");
    assertThat(SERVER.requests).hasValue(0);
  }
}
