package org.autodidact.engine.loop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.ModelsDisagreeException;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptSource;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.RunListener;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.api.SelectionRequest;
import org.autodidact.api.TrainingExample;
import org.autodidact.engine.config.EnumNames;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.Examples;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.evaluation.Perplexity;
import org.autodidact.engine.guards.DriftLimits;
import org.autodidact.engine.guards.IterateMetrics;
import org.autodidact.engine.models.ModelLocator;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.prompts.FilePromptSource;
import org.autodidact.engine.prompts.SelfInstruct;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.RunStore;
import org.autodidact.engine.store.RunStore.PairPlaces;
import org.autodidact.engine.store.RunStore.PairsFor;
import org.autodidact.engine.store.RunStore.PlacedCandidate;

/**
 * The stages of a run. Each asks the store what is done, does the rest, and stores every result as
 * it comes; asked again, it answers from the store. Seeds belong to places in the run, not to the
 * order of work, so a resumed run draws what the uninterrupted one would have drawn.
 */
public final class Stages {
  private final RunConfig config;
  private final Plugins plugins;
  private final RunStore store;
  private final Optional<PromptSource> promptSource;
  private final RunListener listener;
  private final Cancellation cancellation;
  private final TrainingStage trainings;
  private final HandoverCheck handovers;

  public Stages(
      RunConfig config,
      Plugins plugins,
      RunStore store,
      Optional<PromptSource> promptSource,
      RunListener listener,
      Cancellation cancellation) {
    this.config = config;
    this.plugins = plugins;
    this.store = store;
    this.promptSource = promptSource;
    this.listener = listener;
    this.cancellation = cancellation;
    this.handovers = new HandoverCheck(store, cancellation);
    this.trainings = new TrainingStage(config, plugins, store, listener, cancellation);
  }

  /** What came in. */
  Checkpoint baseModel() {
    return new Checkpoint("M0", store.model("M0").orElseThrow());
  }

  LazyModel open(Checkpoint checkpoint) {
    return new LazyModel(checkpoint, () -> openChecked(checkpoint));
  }

  private Generator openChecked(Checkpoint checkpoint) {
    store.hold(checkpoint.name(), checkpoint.folder(), cancellation);
    Generator generator =
        plugins
            .generator(config.generator())
            .open(checkpoint, config.compute().settings(), cancellation);
    try {
      handovers.check(checkpoint.name(), generator);
    } catch (RuntimeException e) {
      generator.close();
      if (e instanceof ModelsDisagreeException) {
        store.release(checkpoint.name()); // so that the right files can be put in their place
      }
      throw e;
    }
    return generator;
  }

  /** Opens the last iterate too, which nothing is left to write for, to see that it can be read. */
  void check(LazyModel model) {
    if (handovers.isDue(model.checkpoint().name())) {
      cancellation.throwIfCancelled();
      model.generator();
    }
  }

  /** M0 becomes M1, or is M1 where the run has no fine-tuning. */
  Checkpoint fineTune(Checkpoint base) {
    return trainings.fineTune(base);
  }

  /** The iteration's new prompts. */
  List<Prompt> createPrompts(int iteration, Checkpoint learner) {
    List<Prompt> stored = store.prompts(iteration);
    if (!stored.isEmpty()) {
      return stored;
    }
    Stage stage = new Stage("M" + iteration, Kind.PROMPTS);
    int count = config.prompts().perIteration();
    if (promptSource.isPresent() || config.prompts().selfInstruct().isEmpty()) {
      listener.stageStarted(stage, 0, count);
      store.addPrompts(iteration, fromSource(iteration, count));
      listener.stageFinished(stage);
    } else {
      makePrompts(stage, iteration, count, config.prompts().selfInstruct().get(), learner);
    }
    return store.prompts(iteration);
  }

  private List<Prompt> fromSource(int iteration, int count) {
    List<Prompt> prompts =
        promptSource.orElseGet(() -> promptFile(config)).prompts(iteration, count);
    long distinct = prompts.stream().map(Prompt::id).distinct().count();
    if (prompts.size() != count || distinct != count) {
      throw new RuleBrokenException(
          "the prompt source",
          "P1",
          "for iteration "
              + iteration
              + " and "
              + count
              + " prompts it gave "
              + prompts.size()
              + ", with "
              + distinct
              + " ids");
    }
    return prompts;
  }

  /** Where prompts come from if neither the host nor a model makes them. */
  public static FilePromptSource promptFile(RunConfig config) {
    return new FilePromptSource(Path.of(config.prompts().file().orElseThrow()), config.seed());
  }

  private void makePrompts(
      Stage stage, int iteration, int count, RunConfig.Creation section, Checkpoint learner) {
    SelfInstruct maker =
        new SelfInstruct(
            "m" + iteration + "-",
            section.settings(),
            JsonLines.instructions(Path.of(config.seedPrompts())),
            section.exclude().map(f -> JsonLines.instructions(Path.of(f))).orElse(List.of()),
            plugins.promptFilters(section.filters(), section.filterSettings()),
            Seeds.of(config.seed(), Seeds.PROMPTS, iteration));
    IntStream.range(1, iteration).forEach(t -> maker.show(store.created(t)));
    List<CreatedPrompt> all = new ArrayList<>(store.created(iteration));
    maker.take(all);
    Checkpoint author =
        section
            .model()
            .map(
                m ->
                    new Checkpoint(
                        "prompts",
                        ModelLocator.folder(Path.of(m), store.folder().resolve("prompt-model"))))
            .orElse(learner);
    try (LazyModel model = open(author)) {
      stage(
          stage,
          (int) all.stream().filter(CreatedPrompt::kept).count(),
          count,
          progress ->
              maker.create(
                  count,
                  model.generator(),
                  round -> {
                    store.addCreated(iteration, author.name(), round);
                    all.addAll(round);
                    round.stream().filter(CreatedPrompt::kept).forEach(c -> progress.run());
                  },
                  cancellation));
    }
    store.addPrompts(
        iteration, all.stream().filter(CreatedPrompt::kept).map(CreatedPrompt::prompt).toList());
  }

  /** N candidates of each prompt. */
  void generateCandidates(int iteration, List<Prompt> prompts, LazyModel model) {
    generate(
        new Stage(model.checkpoint().name(), Kind.CANDIDATES),
        iteration,
        prompts,
        model,
        0,
        Seeds.CANDIDATES);
  }

  /**
   * Where the selector needs them, N candidates that M1 writes for the same prompts; in the first
   * iteration M1's are the iterate's own.
   */
  void generatePastCandidates(int iteration, List<Prompt> prompts) {
    Stage stage = new Stage("M" + iteration, Kind.PAST_CANDIDATES);
    if (iteration == 1
        || !needs(PairSelector.Need.PAST_CANDIDATES)
        || store.isFinished(name(stage))) {
      return;
    }
    try (LazyModel past = open(new Checkpoint("M1", store.model("M1").orElseThrow()))) {
      generate(stage, iteration, prompts, past, pastPlace(), Seeds.PAST_CANDIDATES);
    }
  }

  /** Where a past iterate's candidates begin among a prompt's, behind the iterate's own. */
  private int pastPlace() {
    return config.candidates().count();
  }

  /** Where a future iterate's begin. */
  private int futurePlace() {
    return 2 * config.candidates().count();
  }

  private boolean needs(PairSelector.Need need) {
    return selector().needs().contains(need);
  }

  private void generate(
      Stage stage, int iteration, List<Prompt> prompts, LazyModel model, int first, long seed) {
    Map<Integer, Map<Integer, PlacedCandidate>> stored = store.placed(iteration);
    List<GenerationRequest> open = new ArrayList<>();
    Map<String, Integer> places = new HashMap<>();
    for (int p = 0; p < prompts.size(); p++) {
      places.put(prompts.get(p).id(), p);
      if (!stored.getOrDefault(p, Map.of()).containsKey(first)) {
        open.add(
            new GenerationRequest(
                prompts.get(p),
                seeds(seed, config.candidates().count(), iteration, p),
                config.candidates().sampling()));
      }
    }
    stage(
        stage,
        prompts.size() - open.size(),
        prompts.size(),
        progress ->
            model
                .generator()
                .generate(
                    open,
                    generation -> {
                      store.addCandidates(
                          iteration,
                          places.get(generation.promptId()),
                          first,
                          model.checkpoint().name(),
                          generation);
                      progress.run();
                    },
                    cancellation));
  }

  /** A judgement of each candidate, by the model of this iteration. */
  void judgeCandidates(int iteration, List<Prompt> prompts, LazyModel model) {
    judge(
        new Stage(model.checkpoint().name(), Kind.JUDGEMENTS),
        requests(iteration, prompts, 0, store.judged(iteration), Seeds.JUDGEMENTS),
        model,
        judgements(iteration, model));
  }

  private BiConsumer<Place, Judgement> judgements(int iteration, LazyModel model) {
    return (place, judgement) ->
        store.addJudgement(
            iteration,
            place.prompt(),
            place.candidate(),
            config.judge().name(),
            model.checkpoint().name(),
            judgement,
            place.seeds());
  }

  /** The prompts that every iterate answers. */
  public static List<Prompt> evaluationPrompts(RunConfig config) {
    return config.evaluation().flatMap(RunConfig.Evaluation::prompts).stream()
        .flatMap(file -> JsonLines.prompts(Path.of(file)).stream())
        .toList();
  }

  /** The answers whose perplexity is measured. */
  public static List<TrainingExample> evaluationExamples(RunConfig config) {
    return config.evaluation().flatMap(RunConfig.Evaluation::perplexity).stream()
        .flatMap(file -> JsonLines.read(Path.of(file), Examples::demonstration).stream())
        .toList();
  }

  /** What the run asks for in {@code evaluation}, of its last iterate too. */
  void evaluate(int iteration, LazyModel model) {
    Stage stage = new Stage(model.checkpoint().name(), Kind.EVALUATION);
    if (store.isFinished(name(stage))) {
      return;
    }
    List<Prompt> prompts = evaluationPrompts(config);
    List<TrainingExample> examples = evaluationExamples(config);
    if (prompts.isEmpty() && examples.isEmpty()) {
      return;
    }
    stage(
        stage,
        0,
        prompts.size() + examples.size(),
        progress -> {
          store.addMetrics(iteration, answers(prompts, model.generator(), progress));
          if (!examples.isEmpty()) {
            double found =
                Perplexity.of(examples, model.generator(), cancellation).get("perplexity");
            store.addMetrics(iteration, Map.of("perplexity", found));
          }
        });
  }

  /** The same prompts with the same seeds for every iterate. */
  private Map<String, Double> answers(
      List<Prompt> prompts, Generator generator, Runnable progress) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int p = 0; p < prompts.size(); p++) {
      requests.add(
          new GenerationRequest(
              prompts.get(p),
              seeds(Seeds.EVALUATION, config.candidates().count(), p),
              config.candidates().sampling()));
    }
    List<List<Candidate>> answers = new ArrayList<>();
    generator.generate(
        requests,
        generation -> {
          answers.add(generation.candidates());
          progress.run();
        },
        cancellation);
    return IterateMetrics.ofAnswers(answers);
  }

  /**
   * Where the selector needs them, the scores that the iterate before gives the same candidates.
   * None where M1 is M0.
   */
  void judgeByTheIterateBefore(int iteration, List<Prompt> prompts) {
    Stage stage = new Stage("M" + iteration, Kind.EARLIER_SCORES);
    String before = "M" + (iteration - 1);
    if (!needs(PairSelector.Need.EARLIER_SCORES)
        || store.isFinished(name(stage))
        || (iteration == 1 && config.fineTuning().isEmpty())) {
      return;
    }
    try (LazyModel model = open(new Checkpoint(before, store.model(before).orElseThrow()))) {
      judge(
          stage,
          requests(iteration, prompts, 0, store.earlierScores(iteration), Seeds.EARLIER_SCORES),
          model,
          (place, judgement) ->
              store.addEarlierScore(
                  iteration, place.prompt(), place.candidate(), before, judgement.score()));
    }
  }

  /**
   * Where the selector needs them, N candidates of a future iterate for the same prompts. It learns
   * from what the selector pairs without them, as the next iterate will from what is paired with
   * them; this iterate judges.
   */
  void addFutureCandidates(int iteration, List<Prompt> prompts, Checkpoint model) {
    Stage judging = new Stage(model.name(), Kind.FUTURE_JUDGEMENTS);
    if (!needs(PairSelector.Need.FUTURE_CANDIDATES) || store.isFinished(name(judging))) {
      return;
    }
    Checkpoint future =
        trainings.learn(
            new Stage(model.name(), Kind.FUTURE_TRAINING),
            "M" + (iteration + 1) + "-future",
            iteration,
            model,
            select(Kind.FUTURE_PAIRS, PairsFor.FUTURE, iteration, prompts),
            Seeds.FUTURE_TRAINING);
    try (LazyModel generator = open(future)) {
      generate(
          new Stage(model.name(), Kind.FUTURE_CANDIDATES),
          iteration,
          prompts,
          generator,
          futurePlace(),
          Seeds.FUTURE_CANDIDATES);
    }
    try (LazyModel judge = open(model)) {
      judge(
          judging,
          requests(
              iteration, prompts, futurePlace(), store.judged(iteration), Seeds.FUTURE_JUDGEMENTS),
          judge,
          judgements(iteration, judge));
    }
  }

  /** The request of every candidate from a place on, in order; what is stored is empty. */
  private Map<Place, Optional<JudgementRequest>> requests(
      int iteration,
      List<Prompt> prompts,
      int first,
      Map<Integer, ? extends Map<Integer, ?>> stored,
      long seed) {
    Map<Place, Optional<JudgementRequest>> requests = new LinkedHashMap<>();
    store
        .placed(iteration)
        .forEach(
            (p, candidates) ->
                candidates.forEach(
                    (c, candidate) -> {
                      if (c < first) {
                        return;
                      }
                      List<Long> seeds = seeds(seed, config.judge().samples(), iteration, p, c);
                      boolean done = stored.containsKey(p) && stored.get(p).containsKey(c);
                      requests.put(
                          new Place(p, c, seeds),
                          done
                              ? Optional.empty()
                              : Optional.of(
                                  new JudgementRequest(
                                      p + "/" + c,
                                      prompts.get(p).instruction(),
                                      candidate.candidate().text(),
                                      seeds,
                                      rivals(candidates, c))));
                    }));
    return requests;
  }

  /** A future iterate's are nobody's: the others were judged before it was there. */
  private List<String> rivals(Map<Integer, PlacedCandidate> candidates, int except) {
    return candidates.entrySet().stream()
        .filter(e -> e.getKey() != except && e.getKey() < futurePlace())
        .map(e -> e.getValue().candidate().text())
        .toList();
  }

  /** The run's judge over a model, which stays the caller's. */
  public static Judge openJudge(RunConfig config, Plugins plugins, Generator model) {
    return plugins.openJudge(
        config.judge().name(),
        config.judge().members(),
        new JudgeContext(
            model,
            config.judge().sampling(),
            config.judge().template().map(FineTuningData::readText),
            List.of(),
            config.judge().model().map(Path::of)));
  }

  private void judge(
      Stage stage,
      Map<Place, Optional<JudgementRequest>> all,
      LazyModel model,
      BiConsumer<Place, Judgement> store) {
    Map<String, Place> open = new LinkedHashMap<>();
    List<JudgementRequest> requests = new ArrayList<>();
    all.forEach(
        (place, request) ->
            request.ifPresent(
                r -> {
                  open.put(r.id(), place);
                  requests.add(r);
                }));
    stage(
        stage,
        all.size() - requests.size(),
        all.size(),
        progress -> {
          try (Judge judge = openJudge(config, plugins, model.generator())) {
            this.store.noteScale(judge.scale());
            judge.judge(
                requests,
                judgement -> {
                  store.accept(open.get(judgement.id()), judgement);
                  progress.run();
                },
                cancellation);
          }
        });
  }

  private PairSelector selector() {
    return plugins
        .pairSelector(config.selector().name())
        .create(config.selector().settings(config.seed()));
  }

  /** The pairs of the prompts that give one. */
  List<PreferencePair> selectPairs(int iteration, List<Prompt> prompts) {
    return select(Kind.PAIRS, PairsFor.NEXT, iteration, prompts);
  }

  private List<PreferencePair> select(
      Kind kind, PairsFor learner, int iteration, List<Prompt> prompts) {
    Stage stage = new Stage("M" + iteration, kind);
    if (!store.isFinished(name(stage))) {
      cancellation.throwIfCancelled();
      long start = System.nanoTime();
      listener.stageStarted(stage, 0, prompts.size());
      PairSelector selector = selector();
      boolean firstIsPast =
          iteration == 1 && selector.needs().contains(PairSelector.Need.PAST_CANDIDATES);
      Map<Integer, Map<Integer, OptionalDouble>> earlier = store.earlierScores(iteration);
      List<PairPlaces> pairs = new ArrayList<>();
      store
          .judged(iteration)
          .forEach(
              (p, judged) -> {
                List<JudgedCandidate> own = between(judged, 0, pastPlace());
                CutCandidates.select(
                        selector,
                        new SelectionRequest(
                            prompts.get(p),
                            own,
                            firstIsPast ? own : between(judged, pastPlace(), futurePlace()),
                            between(judged, futurePlace(), Integer.MAX_VALUE),
                            between(earlier.getOrDefault(p, Map.of()), 0, pastPlace())),
                        config.candidates().whenTruncated())
                    .ifPresent(
                        pair ->
                            pairs.add(
                                new PairPlaces(
                                    p,
                                    place(judged, pair.chosen()),
                                    place(judged, pair.rejected()),
                                    pair.weight())));
              });
      store.addPairs(learner, iteration, pairs, name(stage), seconds(start));
      listener.stageFinished(stage);
    }
    return store.pairs(learner, iteration);
  }

  private static <T> List<T> between(Map<Integer, T> byPlace, int from, int to) {
    return byPlace.entrySet().stream()
        .filter(e -> e.getKey() >= from && e.getKey() < to)
        .map(Map.Entry::getValue)
        .toList();
  }

  private static int place(Map<Integer, JudgedCandidate> judged, JudgedCandidate candidate) {
    return judged.entrySet().stream()
        .filter(e -> e.getValue().equals(candidate))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  /**
   * Measures the iterate by what it wrote and how it judged, and says whether the run may go on.
   * What is beyond a limit is told to the listener and kept with the run.
   */
  boolean mayGoOn(int iteration) {
    if (!store.metrics(iteration).containsKey("pairs")) {
      store.addMetrics(iteration, IterateMetrics.of(store, iteration));
    }
    String model = "M" + iteration;
    DriftLimits guards = new DriftLimits(store.metrics(1), store.metrics(iteration));
    guards.beyond(config.warnWhen()).forEach(text -> tell(model + " warns", model, text));
    List<String> reasons = guards.beyond(config.stopWhen());
    reasons.forEach(text -> tell(model + " stops", model, text));
    return reasons.isEmpty();
  }

  private void tell(String property, String model, String text) {
    store.put("guard: " + property + ": " + text.substring(0, text.indexOf(' ')), text);
    listener.warned(new Stage(model, Kind.PAIRS), text);
  }

  /** M<sub>t</sub> becomes M<sub>t+1</sub>. */
  Checkpoint trainOnPreferences(int iteration, Checkpoint model, List<PreferencePair> pairs) {
    return trainings.learn(
        new Stage(model.name(), Kind.PREFERENCE_TRAINING),
        "M" + (iteration + 1),
        iteration,
        model,
        pairs,
        Seeds.PREFERENCE_TRAINING);
  }

  /** Runs what is left of a stage, if anything is, between its events. */
  private void stage(Stage stage, int done, int total, Consumer<Runnable> work) {
    if (store.isFinished(name(stage))) {
      return;
    }
    cancellation.throwIfCancelled();
    long start = System.nanoTime();
    listener.stageStarted(stage, done, total);
    int[] count = {done};
    if (done < total) {
      try {
        work.accept(() -> listener.progressed(stage, ++count[0], total));
      } catch (PluginFailedException e) {
        throw e.in(name(stage));
      }
    }
    store.finish(name(stage), seconds(start));
    listener.stageFinished(stage);
  }

  static String name(Stage stage) {
    return stage.model() + "/" + EnumNames.of(stage.kind());
  }

  static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private List<Long> seeds(long what, int count, long... path) {
    return IntStream.range(0, count)
        .mapToObj(
            i -> {
              long[] whole = new long[path.length + 2];
              whole[0] = what;
              System.arraycopy(path, 0, whole, 1, path.length);
              whole[path.length + 1] = i;
              return Seeds.of(config.seed(), whole);
            })
        .toList();
  }

  /** Where a judgement belongs. */
  private record Place(int prompt, int candidate, List<Long> seeds) {}
}
