package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.SelectionRequest;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingResult;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a plugin does against the rules ends the run by name, and spoils nothing. */
class BrokenPluginTest {
  @TempDir Path folder;

  @BeforeEach
  void write() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
  }

  private RunConfig config(Map<String, String> more) {
    return ConfigFile.parse(
        """
        model: model
        generator: mine
        trainer: mine
        judge: {name: mine, samples: 1}
        selector: mine
        prompts: {file: prompts.jsonl, per-iteration: 4}
        """,
        "test",
        more,
        folder);
  }

  /** A plugin whose parts keep the rules until one of them is replaced. */
  private static final class Mine implements Plugin {
    private final FakePlugin fake = new FakePlugin(true);
    private Function<Generator, Generator> generator = g -> g;
    private Function<Judge, Judge> judge = j -> j;
    private PairSelector selector = Mine::select;
    private Function<Trainer, Trainer> trainer = t -> t;

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
              return generator.apply(fake.generator());
            }
          });
    }

    @Override
    public List<JudgeProvider> judges() {
      return List.of(
          new JudgeProvider() {
            @Override
            public String name() {
              return "mine";
            }

            @Override
            public Judge open(JudgeContext context) {
              return judge.apply(
                  judge((requests, results) -> requests.forEach(r -> results.accept(fine(r)))));
            }
          });
    }

    private static Optional<PreferencePair> select(SelectionRequest request) {
      return Plugins.discover(List.of())
          .pairSelector("max-min")
          .create(PairSelectorProvider.SelectorSettings.DEFAULT)
          .select(request);
    }

    @Override
    public List<PairSelectorProvider> pairSelectors() {
      return List.of(
          new PairSelectorProvider() {
            @Override
            public String name() {
              return "mine";
            }

            @Override
            public PairSelector create(SelectorSettings settings) {
              return selector;
            }
          });
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
              return trainer.apply(fake.trainers().get(0).create(context));
            }
          });
    }
  }

  private static Judgement judgement(String id, double score) {
    return Judgement.of(id, List.of(new JudgementSample(OptionalDouble.of(score), "")));
  }

  private static Judgement fine(JudgementRequest request) {
    return judgement(request.id(), request.response().length() % 5);
  }

  private static Judge judge(BiConsumer<List<JudgementRequest>, Consumer<Judgement>> work) {
    return new Judge() {
      @Override
      public void judge(
          List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation c) {
        work.accept(requests, results);
      }

      @Override
      public void close() {}
    };
  }

  private static Function<Judge, Judge> judging(
      BiConsumer<List<JudgementRequest>, Consumer<Judgement>> work) {
    return fine -> judge(work);
  }

  /** Changes, drops or repeats what the generator hands over. */
  private static Function<Generator, Generator> generating(
      BiConsumer<Generation, Consumer<Generation>> change) {
    return fine ->
        new Generator() {
          @Override
          public void generate(
              List<GenerationRequest> requests, Consumer<Generation> results, Cancellation c) {
            fine.generate(requests, g -> change.accept(g, results), c);
          }

          @Override
          public void close() {}
        };
  }

  /** Changes each candidate. */
  private static Function<Generator, Generator> writing(UnaryOperator<Candidate> change) {
    return generating((g, to) -> to.accept(with(g, g.candidates().stream().map(change).toList())));
  }

  /** Judges each request so. */
  private static Function<Judge, Judge> judgingEach(Function<JudgementRequest, Judgement> judge) {
    return judging((requests, to) -> requests.forEach(r -> to.accept(judge.apply(r))));
  }

  private static Generation with(Generation g, List<Candidate> candidates) {
    return new Generation(g.promptId(), g.promptTokens(), candidates);
  }

  private static Arguments broken(String what, String rule, Consumer<Mine> by) {
    return Arguments.of(what, rule, by);
  }

  static Stream<Arguments> breaks() {
    return Stream.of(
        broken(
            "a prompt is left out",
            "G1",
            m ->
                m.generator =
                    generating(
                        (g, to) -> {
                          if (!g.promptId().equals("p3")) to.accept(g);
                        })),
        broken(
            "a generation comes twice",
            "G1",
            m ->
                m.generator =
                    generating(
                        (g, to) -> {
                          to.accept(g);
                          to.accept(g);
                        })),
        broken(
            "a generation is null",
            "G1",
            m -> m.generator = generating((g, to) -> to.accept(null))),
        broken(
            "a generation comes on another thread",
            "G1",
            m ->
                m.generator =
                    generating((g, to) -> CompletableFuture.runAsync(() -> to.accept(g)).join())),
        broken(
            "a seed is left out",
            "G2",
            m ->
                m.generator =
                    generating((g, to) -> to.accept(with(g, g.candidates().subList(1, 2))))),
        broken(
            "an answer is too long",
            "G4",
            m ->
                m.generator =
                    writing(
                        c ->
                            new Candidate(
                                c.seed(),
                                c.text(),
                                Collections.nCopies(9999, 1),
                                -1,
                                FinishReason.MAX_TOKENS))),
        broken(
            "a log-probability is no number",
            "G8",
            m ->
                m.generator =
                    writing(
                        c ->
                            new Candidate(
                                c.seed(), c.text(), c.tokens(), Double.NaN, c.finishReason()))),
        broken("nothing is judged", "J1", m -> m.judge = judging((requests, to) -> {})),
        broken(
            "one is not judged",
            "J1",
            m ->
                m.judge =
                    judging(
                        (requests, to) ->
                            requests.stream().skip(1).forEach(r -> to.accept(fine(r))))),
        broken(
            "what nobody asked for is judged",
            "J1",
            m -> m.judge = judging((requests, to) -> to.accept(judgement("who", 1)))),
        broken(
            "judgements come on other threads",
            "J1",
            m ->
                m.judge =
                    judging(
                        (requests, to) ->
                            requests.forEach(
                                r -> CompletableFuture.runAsync(() -> to.accept(fine(r))).join()))),
        broken(
            "a score is no number",
            "J2",
            m -> m.judge = judgingEach(r -> judgement(r.id(), Double.NaN))),
        broken(
            "a score is beyond the scale",
            "J2",
            m -> m.judge = judgingEach(r -> judgement(r.id(), 1000))),
        broken(
            "a score is not its samples'",
            "J3",
            m ->
                m.judge = judgingEach(r -> new Judgement(r.id(), OptionalDouble.of(3), List.of()))),
        broken(
            "a pair is reversed",
            "S2",
            m ->
                m.selector =
                    request ->
                        Mine.select(request)
                            .map(p -> new PreferencePair(p.prompt(), p.rejected(), p.chosen()))),
        broken(
            "a pair is of one answer",
            "S1",
            m ->
                m.selector =
                    request ->
                        Mine.select(request)
                            .map(p -> new PreferencePair(p.prompt(), p.chosen(), p.chosen()))),
        broken(
            "a pair is of another prompt",
            "S1",
            m ->
                m.selector =
                    request ->
                        Mine.select(request)
                            .map(
                                p ->
                                    new PreferencePair(
                                        Prompt.of("other", "?"), p.chosen(), p.rejected()))),
        broken("no pair is null", "S1", m -> m.selector = request -> null),
        broken(
            "another checkpoint comes back",
            "T1",
            m ->
                m.trainer =
                    fine ->
                        (request, metrics, c) ->
                            new TrainingResult(
                                request.base(), fine.train(request, metrics, c).metrics(), false)),
        broken(
            "nothing is written",
            "T1",
            m ->
                m.trainer =
                    fine ->
                        (request, metrics, c) ->
                            new TrainingResult(request.output(), List.of(), false)));
  }

  @ParameterizedTest(name = "{1}: {0}")
  @MethodSource("breaks")
  void aBrokenRuleIsNamedAndTheRunGoesOnOnceItIsKept(String what, String rule, Consumer<Mine> by) {
    RunConfig config = config(Map.of());
    Path run = folder.resolve("run");
    Mine broken = new Mine();
    by.accept(broken);
    assertThatThrownBy(() -> Autodidact.builder().plugin(broken).build().run(config, run))
        .isInstanceOf(RuleBrokenException.class)
        .hasMessageContaining("'mine' broke rule " + rule);
    Autodidact.builder().plugin(new Mine()).build().resume(run, new Cancellation());
    Path whole = folder.resolve("whole");
    Autodidact.builder().plugin(new Mine()).build().run(config, whole);
    try (RunStore one = RunStore.open(run);
        RunStore other = RunStore.open(whole)) {
      assertThat(one.counts()).isEqualTo(other.counts());
      assertThat(one.iterations().pairs(2)).isNotEmpty().isEqualTo(other.iterations().pairs(2));
    }
  }

  @Test
  void aSourceGivesAsManyPromptsAsWereAskedFor() {
    List<Prompt> one = List.of(Prompt.of("a", "?"));
    List<Prompt> alike = Collections.nCopies(4, Prompt.of("a", "?"));
    for (List<Prompt> given : List.of(List.<Prompt>of(), one, alike)) {
      Autodidact engine =
          Autodidact.builder().plugin(new Mine()).promptSource((t, count) -> given).build();
      assertThatThrownBy(() -> engine.run(config(Map.of()), folder.resolve("r" + given.size())))
          .isInstanceOf(RuleBrokenException.class)
          .hasMessageContaining("iteration 1 and 4 prompts it returned " + given.size());
    }
  }

  @Test
  void aGeneratorAtWorkIsNotAskedAgain() {
    Plugins plugins = Plugins.discover(List.of(new Mine()));
    try (Generator generator =
        plugins.generator("mine").open(new Checkpoint("M0", folder), ComputeSettings.automatic())) {
      List<GenerationRequest> requests =
          List.of(
              new GenerationRequest(
                  Prompt.of("p", "?"), List.of(1L), SamplingParameters.candidates(4)));
      assertThatThrownBy(
              () ->
                  generator.generate(
                      requests,
                      g -> generator.generate(requests, h -> {}, new Cancellation()),
                      new Cancellation()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("is at work");
      List<Generation> found = new ArrayList<>();
      generator.generate(requests, found::add, new Cancellation());
      assertThat(found).hasSize(1);
    }
  }
}
