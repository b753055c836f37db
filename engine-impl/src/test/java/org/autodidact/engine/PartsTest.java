package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.contains;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.atLeastOnce;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Plugin;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptSource;
import org.autodidact.api.PromptSourceProvider;
import org.autodidact.api.RunListener;
import org.autodidact.api.Setting;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingResult;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options, capabilities and references of parts, with a plugin that knows a server's models. */
class PartsTest {
  private static final String TEXT =
      """
      model: big/model-v1
      iterations: 1
      generator: elsewhere
      trainer: elsewhere
      judge: {name: verifier, samples: 1, options: {field: answer}}
      prompts: {file: prompts.jsonl, per-iteration: 4}
      """;

  @TempDir Path folder;
  private final Elsewhere plugin = new Elsewhere();

  @BeforeEach
  void write() throws Exception {
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      prompts.append(
          "{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\",\"answer\":\"2\",\"n\":[1]}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
  }

  private RunConfig config(String text) {
    return ConfigFile.parse(text, "test", Map.of(), folder);
  }

  private static final class Elsewhere implements Plugin {
    private final List<String> opened = new ArrayList<>();
    private final Set<String> fields = new TreeSet<>();
    private String version = "1.0";
    private int requests;

    record VerifierOptions(
        @Setting("the prompt's field with the right answer") String field,
        @Setting(value = "points", range = "[1, 5]", byDefault = "5") int points) {}

    record SourceOptions(@Setting(value = "what is asked", byDefault = "question") String text) {}

    @Override
    public String name() {
      return "elsewhere";
    }

    @Override
    public String version() {
      return version;
    }

    @Override
    public List<GeneratorProvider> generators() {
      return List.of(
          new GeneratorProvider() {
            @Override
            public String name() {
              return "elsewhere";
            }

            @Override
            public Set<GeneratorCapability> capabilities() {
              return Set.of(GeneratorCapability.MODEL_REFERENCES);
            }

            @Override
            public Generator open(GeneratorContext context) {
              opened.add(context.checkpoint().name() + " " + context.checkpoint().location());
              return generator();
            }
          });
    }

    private Generator generator() {
      return new Generator() {
        @Override
        public void generate(
            List<GenerationRequest> all, Consumer<Generation> results, Cancellation c) {
          for (GenerationRequest request : all) {
            requests++;
            List<Long> seeds = request.seeds();
            List<Candidate> candidates =
                IntStream.range(0, seeds.size())
                    .mapToObj(
                        i ->
                            new Candidate(
                                seeds.get(i),
                                "Score: "
                                    + (seeds.size() == 1 ? Math.floorMod(seeds.get(i), 6) : i),
                                FinishReason.END_OF_TEXT))
                    .toList();
            results.accept(new Generation(request.prompt().id(), List.of(), candidates));
          }
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public List<JudgeProvider> judges() {
      return List.of(
          JudgeProvider.of(
              "verifier",
              VerifierOptions.class,
              false,
              context -> verifier(context.options().read(VerifierOptions.class))));
    }

    private Judge verifier(VerifierOptions options) {
      return new Judge() {
        @Override
        public void judge(
            List<JudgementRequest> all, Consumer<Judgement> results, Cancellation cancellation) {
          for (JudgementRequest request : all) {
            fields.add(request.prompt().id() + " " + new TreeMap<>(request.prompt().fields()));
            boolean right =
                request.response().endsWith(request.prompt().fields().get(options.field()));
            results.accept(
                Judgement.of(
                    request.id(),
                    List.of(
                        new JudgementSample(OptionalDouble.of(right ? options.points() : 0), ""))));
          }
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public List<TrainerProvider> trainers() {
      return List.of(
          TrainerProvider.of("folders", context -> (request, metrics, c) -> null),
          new TrainerProvider() {
            @Override
            public String name() {
              return "by-options";
            }

            @Override
            public TrainerCapabilities capabilities() {
              return new TrainerCapabilities(Set.of(), Set.of(), Set.of(Feature.MODEL_REFERENCES));
            }

            @Override
            public TrainerCapabilities capabilities(PartOptions options) {
              return TrainerCapabilities.MINIMAL;
            }

            @Override
            public Trainer create(TrainerContext context) {
              return (request, metrics, cancellation) -> null;
            }
          },
          TrainerProvider.of(
              "elsewhere",
              PartOptions.None.class,
              new TrainerCapabilities(
                  TrainerCapabilities.MINIMAL.losses(),
                  TrainerCapabilities.MINIMAL.optimizers(),
                  Set.of(Feature.MODEL_REFERENCES)),
              context ->
                  (Trainer)
                      (request, metrics, cancellation) -> {
                        TrainingMetrics step = TrainingMetrics.of(1, 1, 1, Map.of("loss", 1.0));
                        metrics.accept(step);
                        return new TrainingResult(
                            Checkpoint.reference(
                                request.output().name(), request.base().location() + "+dpo"),
                            List.of(step),
                            false);
                      }));
    }

    @Override
    public List<PromptSourceProvider> promptSources() {
      return List.of(
          new PromptSourceProvider() {
            @Override
            public String name() {
              return "made-up";
            }

            @Override
            public Class<? extends Record> optionsType() {
              return SourceOptions.class;
            }

            @Override
            public PromptSource open(PromptSourceContext context) {
              String text = context.options().read(SourceOptions.class).text();
              return (iteration, count) ->
                  IntStream.range(0, count)
                      .mapToObj(
                          i ->
                              new Prompt(
                                  "m" + i,
                                  Prompt.of("m", text + i).messages(),
                                  "",
                                  Map.of("answer", "1")))
                      .toList();
            }
          });
    }
  }

  private Checkpoint run(RunConfig config) {
    return Autodidact.builder().plugin(plugin).build().run(config, folder.resolve("run"));
  }

  /** Nothing here is a folder, a token or a log-probability. */
  @Test
  void aRunNeedsNoFolderAndNoTokens() {
    assertThat(run(config(TEXT))).isEqualTo(Checkpoint.reference("M2", "big/model-v1+dpo"));
    assertThat(plugin.opened).contains("M1 big/model-v1");
    assertThat(plugin.fields).contains("p0 {answer=2, n=[1]}").hasSize(4);
    try (RunStore store = RunStore.read(folder.resolve("run"))) {
      assertThat(store.model("M2")).hasValue(Checkpoint.reference("M2", "big/model-v1+dpo"));
      Candidate stored = store.iterations().candidates(1).get(0).get(2).candidate();
      assertThat(stored.text()).isEqualTo("Score: 2");
      assertThat(stored.logProbability()).isEmpty();
      assertThat(stored.tokenCount()).isEmpty();
      assertThat(store.iterations().metrics(1))
          .containsEntry("mean-score", 1.25)
          .doesNotContainKeys("mean-tokens", "agreement");
      assertThat(store.iterations().prompts(1).get(0).fields()).containsEntry("answer", "2");
      assertThat(store.models().get(2).provenance()).contains("\"trainer\":\"elsewhere 1.0\"");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "judge: {name: verifier}|judge.options of 'verifier': the option 'field' is missing",
        "judge: {name: verifier, options: {feld: a}}|unknown option 'feld'; there are: [field, points]",
        "judge: {name: verifier, options: {field: a, points: 9}}|points must be at least 1",
        "judge: {name: verifier, options: {field: '${GONE_1}'}}|environment variable GONE_1, which is not set; set it",
        "judge: {name: additive, options: {a: b}}|unknown option 'a'; there are none",
        "judge: expected-score|can score given texts",
        "judge: pairwise|can score given texts",
        "candidates: {top-k: 5}|candidates.top-k needs top-k, which the generator 'elsewhere' does not",
        "evaluation: {perplexity: prompts.jsonl}|evaluation.perplexity needs scores",
        "generator: {name: elsewhere, options: {a: b}}|generator.options of 'elsewhere'",
        "trainer: {name: elsewhere, options: {a: b}}|trainer.options of 'elsewhere'",
        "selector: {name: margin, options: {a: b}}|selector.options of 'margin'",
        "selector: consistency-weighted|weighs pairs by consistency",
        "preference-training: {loss: ipo}|preference-training.loss: the trainer 'elsewhere' has no 'ipo'; it has [sft, sigmoid]",
        "preference-training: {optimizer: adafactor}|has no 'adafactor'",
        "preference-training: {lora-rank: 4}|preference-training.lora-rank: the trainer 'elsewhere' cannot",
        "preference-training: {held-out: 0.5}|held-out",
        "prompts: {source: {name: made-up, options: {x: y}}}|prompts.source.options of 'made-up'",
        "stop-when: {agreement: 0.3}|agreement of warn-when or stop-when needs log-probabilities",
        "trainer: folders|model: big/model-v1 is no folder here, and the trainer 'folders' trains folders alone",
        "trainer: by-options|the trainer 'by-options' trains folders alone",
        "prompts: {source: nobody}|no prompt source is named 'nobody'",
      })
  void whatItsPartsCannotDoCostsNoRequest(String more, String message) {
    String key = more.substring(0, more.indexOf(':') + 1);
    String text = TEXT.replaceFirst("(?m)^" + key + ".*\n", "") + more + "\n";
    assertThatThrownBy(() -> run(config(text)))
        .isInstanceOf(RuntimeException.class)
        .hasMessageContaining(message);
    assertThat(plugin.requests).isZero();
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void aPluginsPromptsAreAskedWithTheirOptions() {
    RunConfig config =
        config(
            TEXT.replace(
                "file: prompts.jsonl", "source: {name: made-up, options: {text: What is}}"));
    run(config);
    try (RunStore store = RunStore.read(folder.resolve("run"))) {
      assertThat(store.iterations().prompts(1))
          .extracting(Prompt::instruction)
          .containsExactly("What is0", "What is1", "What is2", "What is3");
    }
  }

  @Test
  void aChangedOptionIsNamedAtResume() {
    run(config(TEXT));
    RunConfig other = config(TEXT.replace("field: answer", "field: answer, points: 4"));
    assertThatThrownBy(() -> run(other))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("judge.options.points: , \"4\"");
  }

  @Test
  void aChangedPluginIsNamedAtResume() {
    run(config(TEXT));
    plugin.version = "2.0";
    RunListener listener = mock(RunListener.class);
    Autodidact.builder().plugin(plugin).listener(listener).build().resume(folder.resolve("run"));
    verify(listener)
        .warned(
            any(),
            eq(
                "the run began with the judge 'verifier' of the plugin elsewhere 1.0 and goes on with"
                    + " that of elsewhere 2.0"));
  }

  /** PATH is set everywhere; what it holds at resume is played by the stored hash. */
  @Test
  void aChangedVariableIsNamedAtResume() {
    RunConfig source =
        config(
            TEXT.replace(
                "file: prompts.jsonl", "source: {name: made-up, options: {text: '${PATH}'}}"));
    Path run = folder.resolve("other");
    RunListener listener = mock(RunListener.class);
    Autodidact engine = Autodidact.builder().plugin(plugin).listener(listener).build();
    engine.run(source, run);
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.properties("sha256 of option"))
          .containsOnlyKeys("sha256 of option prompts.source.options.text");
      store.put("sha256 of option prompts.source.options.text", "another");
    }
    verify(listener, never()).warned(any(), any());
    engine.resume(run);
    verify(listener).warned(any(), contains("prompts.source.options.text names"));
    verify(listener, atLeastOnce()).iterateMeasured(eq("M1"), any());
  }

  /** A model of the judge's own judges each iterate, and is not trained. */
  @Test
  void aJudgeHasAModelOfItsOwn() {
    run(
        config(
            TEXT.replace(
                    "judge: {name: verifier, samples: 1, options: {field: answer}}",
                    "judge: {name: additive, samples: 1, generator: elsewhere, model: judge-v9}")
                .replace("iterations: 1", "iterations: 2")));
    assertThat(plugin.opened.stream().filter(o -> o.equals("judge judge-v9"))).hasSize(2);
    assertThat(plugin.opened).contains("M2 big/model-v1+dpo");
  }
}
