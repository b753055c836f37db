package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PluginNotFoundException;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.RunListener;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.IterationStore;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine with a generator and a trainer that only pretend. */
class AutodidactTest {
  private static final int PROMPTS = 6;
  private static final int CANDIDATES = 4;
  private static final int SAMPLES = 3;

  @TempDir Path folder;
  private Path config;

  @BeforeEach
  void write() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    StringBuilder prompts = new StringBuilder();
    StringBuilder ift = new StringBuilder();
    for (int i = 0; i < 2 * PROMPTS; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
      ift.append("{\"prompt\":\"question " + i + "\",\"response\":\"answer\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    Files.writeString(folder.resolve("ift.jsonl"), ift);
    config =
        Files.writeString(
            folder.resolve("run.yaml"),
            String.format(
                Locale.ROOT,
                """
            model: model
            generator: fake
            trainer: fake
            fine-tuning: {ift: ift.jsonl}
            prompts: {file: prompts.jsonl, per-iteration: %d}
            candidates: {count: %d}
            judge: {samples: %d}
            """,
                PROMPTS,
                CANDIDATES,
                SAMPLES));
  }

  private RunConfig config(Map<String, String> overrides) {
    return ConfigFile.read(config, overrides);
  }

  private Checkpoint run(FakePlugin plugin, String name, RunListener listener, Cancellation c) {
    return Autodidact.builder()
        .plugin(plugin)
        .listener(listener)
        .build()
        .run(config(Map.of()), folder.resolve(name), c);
  }

  private static List<PreferencePair> pairs(Path run) {
    try (RunStore store = RunStore.open(run)) {
      List<PreferencePair> pairs = new ArrayList<>(store.iterations().pairs(1));
      pairs.addAll(store.iterations().pairs(2));
      return pairs;
    }
  }

  @Test
  void everyStoredCountAddsUp() {
    FakePlugin plugin = new FakePlugin(true);
    Checkpoint last = run(plugin, "run", new RunListener() {}, new Cancellation());
    assertThat(last.name()).isEqualTo("M3");
    List<PreferencePair> pairs = pairs(folder.resolve("run"));
    try (RunStore store = RunStore.open(folder.resolve("run"))) {
      long candidates = 2L * PROMPTS * CANDIDATES;
      assertThat(store.counts())
          .containsEntry("model", 4L)
          .containsEntry("prompt", 2L * PROMPTS)
          .containsEntry("candidate", candidates)
          .containsEntry("judgement", candidates)
          .containsEntry("judgement_sample", candidates * SAMPLES)
          .containsEntry("pair", (long) pairs.size())
          .containsEntry("training_step", 2L * PROMPTS + pairs.size());
    }
    assertThat(plugin.written).isEqualTo(2 * PROMPTS * CANDIDATES * (1 + SAMPLES));
    assertThat(pairs)
        .isNotEmpty()
        .allSatisfy(
            p ->
                assertThat(p.chosen().judgement().score().orElseThrow())
                    .isGreaterThan(p.rejected().judgement().score().orElseThrow()));
  }

  /** Cancels at each event in turn; what was finished is not computed again. */
  @Test
  void stoppedAtAnyEventItEndsTheSameAndComputesNothingTwice() {
    FakePlugin plain = new FakePlugin(true);
    int[] events = {0};
    run(
        plain,
        "whole",
        counting(events, Integer.MAX_VALUE, new Cancellation()),
        new Cancellation());
    for (int stop = 1; stop <= events[0]; stop += 3) {
      String name = "stopped" + stop;
      FakePlugin plugin = new FakePlugin(true);
      Cancellation cancellation = new Cancellation();
      try {
        run(plugin, name, counting(new int[1], stop, cancellation), cancellation);
      } catch (CancelledException expected) {
        // the usual case; an event after the last look at the cancellation changes nothing
      }
      Autodidact.builder().plugin(plugin).build().resume(folder.resolve(name), new Cancellation());
      assertThat(pairs(folder.resolve(name))).isEqualTo(pairs(folder.resolve("whole")));
      assertThat(plugin.written).as("stopped at event %d", stop).isEqualTo(plain.written);
    }
  }

  @Test
  void aRunOfAnEarlierVersionGoesOnUnderTodaysKeys() {
    Cancellation cancellation = new Cancellation();
    assertThatThrownBy(
            () ->
                run(
                    new FakePlugin(true),
                    "old",
                    counting(new int[1], 10, cancellation),
                    cancellation))
        .isInstanceOf(CancelledException.class);
    try (RunStore store = RunStore.open(folder.resolve("old"))) {
      String stored = store.property("config").orElseThrow();
      assertThat(stored).contains("\"device\":\"auto\"");
      store.put("config", stored.replace("\"device\"", "\"provider\""));
    }
    assertThat(run(new FakePlugin(true), "old", new RunListener() {}, new Cancellation()).name())
        .isEqualTo("M3");
  }

  /** The same where the learner makes its own prompts after those of fine-tuning. */
  @Test
  void promptsThatTheLearnerMadeAreTracedAndTakenUpAgain() throws Exception {
    Files.writeString(
        config,
        Files.readString(config)
            .replace(
                "file: prompts.jsonl,",
                "self-instruct: {similarity: 1, filters: [length], min-words: 2},"));
    stoppedAtAnyEventItEndsTheSameAndComputesNothingTwice();
    try (RunStore store = RunStore.open(folder.resolve("whole"))) {
      for (int t = 1; t <= 2; t++) {
        List<CreatedPrompt> made = store.iterations().created(t);
        assertThat(made).filteredOn(CreatedPrompt::kept).hasSize(PROMPTS);
        assertThat(store.iterations().prompts(t))
            .isEqualTo(
                made.stream().filter(CreatedPrompt::kept).map(CreatedPrompt::prompt).toList());
        assertThat(made.get(0).shots()).filteredOn(id -> id.startsWith("m1-")).hasSize(2 * t - 2);
      }
      assertThat(Files.readString(HtmlReport.write(store)))
          .contains("Prompts that were made", "m2-");
    }
  }

  @Test
  void theReportHasEveryMetricOfEveryIterateTheLastOneToo() throws Exception {
    String files = "{perplexity: %s/ift.jsonl, prompts: %s/prompts.jsonl}";
    RunConfig measured = config(Map.of("evaluation", files.formatted(folder, folder)));
    FakePlugin plugin = new FakePlugin(true, true);
    engine(plugin, new RunListener() {}).run(measured, folder.resolve("r"));
    int written = plugin.written;
    engine(plugin, new RunListener() {}).run(measured, folder.resolve("r"));
    assertThat(plugin.written).as("what is measured stays").isEqualTo(written);
    try (RunStore store = RunStore.open(folder.resolve("r"))) {
      // the fake scorer: ln p = -1 - |hash + length| mod 7 for an answer of 6 tokens
      assertThat(store.iterations().metrics(1)).containsKeys("perplexity", "pairs", "mean-score");
      assertThat(store.iterations().metrics(3))
          .containsOnlyKeys("perplexity", "evaluation-tokens", "evaluation-self-similarity");
      assertThat(store.iterations().metrics(3).get("perplexity"))
          .isBetween(Math.exp(1 / 6.0), Math.exp(7 / 6.0));
      assertThat(store.iterations().metrics(3)).containsEntry("evaluation-tokens", 2.0);
      String report = Files.readString(HtmlReport.write(store));
      for (int t = 1; t <= 3; t++) {
        for (String metric : store.iterations().metrics(t).keySet()) {
          assertThat(report).contains("<td>" + metric.replace('-', ' ') + "</td>");
        }
      }
      for (String metric : store.trainingLog().steps("M2").get(0).values().keySet()) {
        assertThat(report).contains("M2: " + metric);
      }
    }
  }

  @Test
  void promptsNeedOneSourceAndKnownFilters() {
    assertThatThrownBy(() -> config(Map.of("prompts.self-instruct", "{}")))
        .hasMessageContaining("prompts needs one of file, self-instruct and source, found several");
    RunConfig unknown =
        config(Map.of("prompts", "{self-instruct: {seeds: s.jsonl, filters: [lenght]}}"));
    assertThatThrownBy(
            () ->
                Autodidact.builder()
                    .plugin(new FakePlugin(true))
                    .build()
                    .run(unknown, folder.resolve("r")))
        .isInstanceOf(PluginNotFoundException.class)
        .hasMessageContaining("no prompt filter is named 'lenght' (did you mean 'length'?)");
  }

  private static RunListener counting(int[] events, int stop, Cancellation cancellation) {
    return new RunListener() {
      private void event() {
        if (++events[0] == stop) {
          cancellation.cancel();
        }
      }

      @Override
      public void stageStarted(Stage stage, int done, int total) {
        event();
      }

      @Override
      public void progressed(Stage stage, int done, int total) {
        event();
      }

      @Override
      public void trained(Stage stage, TrainingMetrics metrics) {
        event();
      }

      @Override
      public void stageFinished(Stage stage) {
        event();
      }
    };
  }

  /**
   * Every selector and judge that needs more than the iterate's own candidates, stopped anywhere.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "selector=anchored",
        "selector=temporal",
        "selector=consistency-weighted",
        "judge.name=pairwise",
        "judge.name=meta",
        "strategy.pairs=cumulative"
      })
  void stoppedWithAnySettingItEndsTheSame(String setting) {
    String[] keyAndValue = setting.split("=", 2);
    RunConfig config = config(Map.of(keyAndValue[0], keyAndValue[1]));
    FakePlugin plain = new FakePlugin(true, true);
    int[] events = {0};
    engine(plain, counting(events, Integer.MAX_VALUE, new Cancellation()))
        .run(config, folder.resolve("whole"));
    assertThat(pairs(folder.resolve("whole"))).isNotEmpty();
    for (int stop = 2; stop <= events[0]; stop += 9) {
      Path run = folder.resolve("stopped" + stop);
      FakePlugin plugin = new FakePlugin(true, true);
      Cancellation cancellation = new Cancellation();
      try {
        engine(plugin, counting(new int[1], stop, cancellation)).run(config, run, cancellation);
      } catch (CancelledException expected) {
        // the usual case
      }
      engine(plugin, new RunListener() {}).resume(run, new Cancellation());
      assertThat(pairs(run)).isEqualTo(pairs(folder.resolve("whole")));
      assertThat(plugin.written).as("stopped at event %d", stop).isEqualTo(plain.written);
      try (RunStore one = RunStore.open(run);
          RunStore whole = RunStore.open(folder.resolve("whole"))) {
        assertThat(one.iterations().metrics(2))
            .isNotEmpty()
            .isEqualTo(whole.iterations().metrics(2));
        assertThat(one.counts()).isEqualTo(whole.counts());
      }
    }
  }

  private static Autodidact engine(FakePlugin plugin, RunListener listener) {
    return Autodidact.builder().plugin(plugin).listener(listener).build();
  }

  @Test
  void anchoredRejectsWhatM1Wrote() {
    Path run = folder.resolve("anchored");
    engine(new FakePlugin(true, true), new RunListener() {})
        .run(config(Map.of("selector", "anchored")), run);
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.iterations().candidates(1).get(0)).hasSize(CANDIDATES);
      assertThat(store.iterations().candidates(2).get(0)).hasSize(2 * CANDIDATES);
      assertThat(store.iterations().candidates(2).get(0).get(CANDIDATES).model()).isEqualTo("M1");
      assertThat(store.iterations().ownCandidates(2).get(0)).hasSize(CANDIDATES);
      assertThat(store.iterations().pairs(2))
          .isNotEmpty()
          .allSatisfy(
              pair -> {
                int prompt = store.iterations().prompts(2).indexOf(pair.prompt());
                assertThat(
                        store.iterations().candidates(2).get(prompt).values().stream()
                            .filter(c -> c.candidate().equals(pair.rejected().candidate()))
                            .map(IterationStore.SampledCandidate::model))
                    .contains("M1");
              });
    }
  }

  @Test
  void temporalChoosesAmongWhatAFutureIterateWrote() throws Exception {
    Path run = folder.resolve("temporal");
    FakePlugin plugin = new FakePlugin(true);
    engine(plugin, new RunListener() {}).run(config(Map.of("selector", "temporal")), run);
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.models())
          .extracting(RunStore.ModelRow::name)
          .containsExactly("M0", "M1", "M2-future", "M2", "M3-future", "M3");
      for (int t = 1; t <= 2; t++) {
        String future = "M" + (t + 1) + "-future";
        assertThat(run.resolve(future + "/made-of")).hasContent("M" + t);
        assertThat(run.resolve("M" + (t + 1) + "/made-of")).hasContent("M" + t);
        List<PreferencePair> before = store.iterations().pairs(IterationStore.Learner.FUTURE, t);
        assertThat(store.trainingLog().steps(future)).hasSize(before.size());
        assertThat(store.trainingLog().steps("M" + (t + 1)))
            .hasSize(store.iterations().pairs(t).size());
        for (int p = 0; p < PROMPTS; p++) {
          assertThat(store.iterations().judged(t).get(p).keySet())
              .isEqualTo(store.iterations().candidates(t).get(p).keySet());
        }
        assertThat(writers(store, t, before)).containsOnly("M" + t + " over M1");
        assertThat(writers(store, t, store.iterations().pairs(t)))
            .isSubsetOf(future + " over M1", "M" + t + " over M1");
      }
      assertThat(writers(store, 1, store.iterations().pairs(1))).contains("M2-future over M1");
      assertThat(store.iterations().candidates(1).get(0))
          .as("M1 is its own past")
          .hasSize(2 * CANDIDATES);
      assertThat(store.iterations().candidates(2).get(0)).hasSize(3 * CANDIDATES);
      assertThat(store.iterations().ownCandidates(2).get(0)).hasSize(CANDIDATES);
      assertThat(Files.readString(HtmlReport.write(store))).contains("<b>M2-future: ");
    }
    assertThat(plugin.written).isEqualTo((2 + 3) * PROMPTS * CANDIDATES * (1 + SAMPLES));
  }

  /** Which models wrote the pairs' sides. */
  private static List<String> writers(RunStore store, int iteration, List<PreferencePair> pairs) {
    List<Prompt> prompts = store.iterations().prompts(iteration);
    Map<Integer, Map<Integer, IterationStore.SampledCandidate>> placed =
        store.iterations().candidates(iteration);
    return pairs.stream()
        .map(
            pair -> {
              Map<Candidate, String> models = new HashMap<>();
              placed
                  .get(prompts.indexOf(pair.prompt()))
                  .values()
                  .forEach(c -> models.put(c.candidate(), c.model()));
              return models.get(pair.chosen().candidate())
                  + " over "
                  + models.get(pair.rejected().candidate());
            })
        .distinct()
        .toList();
  }

  @Test
  void consistencyIsWeighed() {
    Path weighed = folder.resolve("weighed");
    engine(new FakePlugin(true, true), new RunListener() {})
        .run(config(Map.of("selector", "consistency-weighted")), weighed);
    assertThat(pairs(weighed))
        .extracting(PreferencePair::weight)
        .anyMatch(w -> w < 1)
        .allSatisfy(w -> assertThat(w).isBetween(0.0, 1.0));
    try (RunStore store = RunStore.open(weighed)) {
      assertThat(store.iterations().earlierScores(1).get(0)).hasSize(CANDIDATES);
    }
  }

  @Test
  void dpoMayStartFromM1AndLearnFromAllPairsSoFar() throws Exception {
    Path run = folder.resolve("cumulative");
    engine(new FakePlugin(true), new RunListener() {})
        .run(config(Map.of("strategy.start", "m1", "strategy.pairs", "cumulative")), run);
    assertThat(folder.resolve("cumulative/M3/made-of")).hasContent("M1");
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.trainingLog().steps("M3"))
          .hasSize(store.iterations().pairs(1).size() + store.iterations().pairs(2).size());
      assertThat(store.models().get(3).parent()).contains("M1");
    }
    Path plain = folder.resolve("plain");
    engine(new FakePlugin(true), new RunListener() {}).run(config(Map.of()), plain);
    assertThat(folder.resolve("plain/M3/made-of")).hasContent("M2");
    assertThatThrownBy(() -> config(Map.of("strategy.start", "m0")))
        .hasMessageContaining("strategy.start")
        .hasMessageContaining("[last, m1]");
  }

  @Test
  void aGuardWarnsOrStopsAndSaysWhy() {
    List<String> said = new ArrayList<>();
    RunListener listener =
        new RunListener() {
          @Override
          public void warned(Stage stage, String message) {
            said.add(stage.model() + ": " + message);
          }
        };
    Path run = folder.resolve("guarded");
    Map<String, String> limits =
        Map.of("stop-when.self-similarity", "0.1", "warn-when.length-growth", "0.5");
    Checkpoint last = engine(new FakePlugin(true), listener).run(config(limits), run);
    assertThat(last.name()).as("M1 is beyond the limit").isEqualTo("M1");
    assertThat(said)
        .hasSize(2)
        .anySatisfy(
            s -> assertThat(s).startsWith("M1: length-growth is 1.000, above the limit 0.500"))
        .anySatisfy(s -> assertThat(s).startsWith("M1: self-similarity"));
    assertThat(engine(new FakePlugin(true), listener).resume(run, new Cancellation()).name())
        .isEqualTo("M1");
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.trainingLog().steps("M2")).isEmpty();
      assertThat(store.properties("guard: ")).containsKey("guard: M1 stops: self-similarity");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "score-inflation=-0.1",
        "length-growth=0.9",
        "self-similarity=0.1",
        "agreement=1.1",
        "parse-failures=-0.1"
      })
  void eachLimitStopsTheRun(String limit) {
    String[] nameAndValue = limit.split("=", 2);
    Path run = folder.resolve("run");
    Checkpoint last =
        engine(new FakePlugin(true), new RunListener() {})
            .run(config(Map.of("stop-when." + nameAndValue[0], nameAndValue[1])), run);
    assertThat(last.name()).isEqualTo("M1");
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.properties("guard: "))
          .containsOnlyKeys("guard: M1 stops: " + nameAndValue[0]);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"self-similarity=1", "agreement=0", "parse-failures=5"})
  void aLimitThatGuardsNothingIsRefused(String limit) {
    String[] nameAndValue = limit.split("=", 2);
    assertThatThrownBy(() -> config(Map.of("stop-when." + nameAndValue[0], nameAndValue[1])))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(nameAndValue[0] + " of warn-when or stop-when must be ");
  }

  @Test
  void aJudgeThatCannotBeOpenedIsRefusedBeforeAnyWork() {
    Path run = folder.resolve("ensemble");
    assertThatThrownBy(
            () ->
                engine(new FakePlugin(true), new RunListener() {})
                    .run(config(Map.of("judge.name", "ensemble")), run))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("judge.members");
    assertThat(run).doesNotExist();
  }

  /** Fine-tuning that no generator can go on from would be lost. */
  @Test
  void aPrecisionThatTheGeneratorCannotComputeIsRefusedBeforeAnyWork() {
    FakePlugin plugin = new FakePlugin(true);
    Path run = folder.resolve("bf16");
    assertThatThrownBy(
            () ->
                engine(plugin, new RunListener() {})
                    .run(config(Map.of("compute.precision", "bf16")), run))
        .hasMessageContaining("no bf16");
    assertThat(run.resolve("M1")).doesNotExist();
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.property("config")).isEmpty();
    }
  }

  @Test
  void aJudgeThatNeverScoresIsNamedAndTheWorkStays() {
    assertThatThrownBy(
            () -> run(new FakePlugin(false), "silent", new RunListener() {}, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no preference pair")
        .hasMessageContaining("24 judged candidates 0 have a score")
        .hasMessageContaining("expected-score");
    try (RunStore store = RunStore.open(folder.resolve("silent"))) {
      assertThat(store.counts()).containsEntry("judgement", (long) PROMPTS * CANDIDATES);
    }
  }

  /** Twice, as being refused must not give the system's lock away. */
  @Test
  void aSecondRunInTheFolderIsRefused() throws Exception {
    Path run = folder.resolve("busy");
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.folder()).isEqualTo(run);
      assertThatThrownBy(
              () -> run(new FakePlugin(true), "busy", new RunListener() {}, new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("this process works on this run already");
      assertThat(openInAnotherProcess(run)).contains("another process works on this run");
    }
    assertThat(openInAnotherProcess(run)).isEmpty();
  }

  private static String openInAnotherProcess(Path run) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                OpensARun.class.getName(),
                run.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }

  /** Says why it cannot open a run, if it cannot. */
  static final class OpensARun {
    private OpensARun() {}

    public static void main(String[] arguments) {
      try {
        RunStore.open(Path.of(arguments[0])).close();
      } catch (InvalidInputException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  /** What is found before any work does not bind the folder to what cannot run. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "model=nowhere",
        "prompts.file=nowhere",
        "prompts.per-iteration=999",
        "fine-tuning.ift=nowhere"
      })
  void aMistakeIsCorrectedInTheSameFolder(String mistake) {
    String[] keyAndValue = mistake.split("=", 2);
    Path run = folder.resolve("run");
    Autodidact engine = engine(new FakePlugin(true), new RunListener() {});
    RunConfig wrong = config(Map.of(keyAndValue[0], keyAndValue[1]));
    assertThatThrownBy(() -> engine.run(wrong, run)).isInstanceOf(InvalidInputException.class);
    assertThat(engine.run(config(Map.of()), run).name()).isEqualTo("M3");
  }

  @Test
  void aRunWithTheHostsPromptsIsNotResumedWithoutThem() {
    Path run = folder.resolve("run");
    FakePlugin plugin = new FakePlugin(true);
    Cancellation cancellation = new Cancellation();
    Autodidact with =
        Autodidact.builder()
            .plugin(plugin)
            .listener(counting(new int[1], 40, cancellation))
            .promptSource(
                (t, count) ->
                    IntStream.range(0, count).mapToObj(i -> Prompt.of(t + "-" + i, "?")).toList())
            .build();
    assertThatThrownBy(() -> with.run(config(Map.of()), run, cancellation))
        .isInstanceOf(CancelledException.class);
    assertThatThrownBy(() -> engine(plugin, new RunListener() {}).resume(run, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("began with the host's prompts")
        .hasMessageContaining("give it a promptSource");
    assertThat(with.resume(run, new Cancellation()).name()).isEqualTo("M3");
  }

  @Test
  void anotherConfigurationIsRefused() {
    Path run = folder.resolve("run");
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    engine.run(config(Map.of()), run);
    assertThatThrownBy(() -> engine.run(config(Map.of("seed", "9")), run))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("another configuration")
        .hasMessageContaining("[seed: 1, 9]");
  }

  @Test
  void whatIsMissingIsNamedBeforeAnyWork() throws Exception {
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    assertThatThrownBy(
            () -> engine.run(config(Map.of("judge.name", "aditive")), folder.resolve("a")))
        .isInstanceOf(PluginNotFoundException.class)
        .hasMessageContaining("additive");
    assertThat(folder.resolve("a")).doesNotExist();
    assertThatThrownBy(() -> engine.resume(folder.resolve("none"), new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("holds no run");
    assertThatThrownBy(() -> engine.run(config(Map.of("model", "nowhere")), folder.resolve("b")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("nowhere");
    Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> engine.run(config(Map.of()), folder.resolve("file/run")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
    Files.createDirectories(folder.resolve("damaged"));
    Files.writeString(folder.resolve("damaged/run.db"), "this is no database, ".repeat(100));
    assertThatThrownBy(() -> engine.run(config(Map.of()), folder.resolve("damaged")))
        .isInstanceOf(AutodidactException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void dataThatChangedSinceTheRunBeganIsRefused() throws Exception {
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    engine.run(config(Map.of()), folder.resolve("run"));
    Files.writeString(folder.resolve("ift.jsonl"), "{\"prompt\":\"x\",\"response\":\"y\"}\n");
    assertThatThrownBy(() -> engine.resume(folder.resolve("run"), new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("ift.jsonl: has changed since the run began");
  }

  @Test
  void tooFewPromptsAreNamed() {
    Autodidact engine = Autodidact.builder().plugin(new FakePlugin(true)).build();
    assertThatThrownBy(
            () -> engine.run(config(Map.of("prompts.per-iteration", "13")), folder.resolve("few")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("prompts.jsonl");
  }
}
