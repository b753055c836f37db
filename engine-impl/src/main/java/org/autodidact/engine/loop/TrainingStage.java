package org.autodidact.engine.loop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.autodidact.api.Answer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.RunListener;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.config.RunConfig.Candidates.Truncated;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.Provenance;
import org.autodidact.engine.store.RunStore;

/** The stages of a run in which a model learns: each stores its steps, and its model at the end. */
final class TrainingStage {
  private final RunConfig config;
  private final Plugins plugins;
  private final RunStore store;
  private final RunListener listener;
  private final Cancellation cancellation;

  TrainingStage(
      RunConfig config,
      Plugins plugins,
      RunStore store,
      RunListener listener,
      Cancellation cancellation) {
    this.config = config;
    this.plugins = plugins;
    this.store = store;
    this.listener = listener;
    this.cancellation = cancellation;
  }

  /** M0 becomes M1, or is M1 where the run has no fine-tuning. */
  Checkpoint fineTune(Checkpoint base) {
    Optional<Path> done = store.model("M1");
    if (done.isPresent()) {
      return new Checkpoint("M1", done.get());
    }
    if (config.fineTuning().isEmpty()) {
      store.addModel("M1", Optional.of("M0"), base.folder(), Provenance.unchanged(base));
      return new Checkpoint("M1", base.folder());
    }
    RunConfig.FineTuning section = config.fineTuning().get();
    List<TrainingExample> examples = FineTuningData.read(section, config.judge().template());
    return train(
        new Stage("M0", Kind.FINE_TUNING),
        base,
        "M1",
        examples,
        Probes.ofExamples(examples),
        section.training(),
        section.training().over(TrainingSettings.sft()),
        Seeds.of(config.seed(), Seeds.FINE_TUNING));
  }

  /**
   * The model that learns from the pairs of an iteration, and of those before it where the run's
   * strategy says so.
   *
   * @param next its name
   * @param seed the first step of its seed's path
   */
  Checkpoint learn(
      Stage stage,
      String next,
      int iteration,
      Checkpoint model,
      List<PreferencePair> pairs,
      long seed) {
    Optional<Path> done = store.model(next);
    if (done.isPresent()) {
      return new Checkpoint(next, done.get());
    }
    if (pairs.isEmpty()) {
      throw noPairs(iteration);
    }
    List<PreferencePair> learned = new ArrayList<>();
    for (int t = config.strategy().cumulative() ? 1 : iteration; t < iteration; t++) {
      learned.addAll(store.pairs(t));
    }
    learned.addAll(pairs);
    Checkpoint start =
        config.strategy().fromM1() ? new Checkpoint("M1", store.model("M1").orElseThrow()) : model;
    TrainingSettings settings = config.preferenceTraining().over(TrainingSettings.dpo());
    List<TrainingExample> examples = new ArrayList<>();
    for (PreferencePair pair : learned) {
      examples.add(example(pair, settings.loss()));
    }
    return train(
        stage,
        start,
        next,
        examples,
        Probes.ofCandidates(store, iteration, model.name(), start.name()),
        config.preferenceTraining(),
        settings,
        Seeds.of(config.seed(), seed, iteration));
  }

  /** With the loss SFT the chosen answer alone: the paper's positive-only control (section 3.3). */
  private static TrainingExample example(PreferencePair pair, TrainingSettings.Loss loss) {
    Answer chosen = Answer.sampled(pair.chosen().candidate());
    return loss == TrainingSettings.Loss.SFT
        ? new TrainingExample.Demonstration(pair.prompt().messages(), chosen)
        : new TrainingExample.Preference(
            pair.prompt().messages(),
            chosen,
            Answer.sampled(pair.rejected().candidate()),
            pair.weight());
  }

  private InvalidInputException noPairs(int iteration) {
    List<JudgedCandidate> judged =
        store.judged(iteration).values().stream().flatMap(m -> m.values().stream()).toList();
    long scored = judged.stream().filter(j -> j.judgement().score().isPresent()).count();
    long cut = judged.stream().filter(j -> j.candidate().finishReason().isCut()).count();
    boolean cutMatters = cut > 0 && config.candidates().whenTruncated() != Truncated.KEEP;
    return new InvalidInputException(
        "iteration "
            + iteration
            + ": no preference pair: of "
            + judged.size()
            + " judged candidates "
            + scored
            + " have a score"
            + (scored == 0
                ? "; the judge '"
                    + config.judge().name()
                    + "' gave none"
                    + reasons(judged)
                    + "; where a model writes its judgements, raise judge.max-tokens, fine-tune on EFT"
                    + " data, or use the judge 'expected-score'"
                : cutMatters
                    ? ", and "
                        + cut
                        + " were cut off, which candidates.truncated: "
                        + config.candidates().truncated()
                        + " keeps out: raise candidates.max-tokens, or set it to keep"
                    : ", and no prompt's candidates differ in theirs: take more candidates or"
                        + " prompts"));
  }

  /** " (cut-off 7, no-statement 2)", or nothing where the judge gave no reason. */
  private static String reasons(List<JudgedCandidate> judged) {
    SortedMap<String, Integer> unread =
        JudgeMetrics.parseFailuresByReason(
            judged.stream().flatMap(j -> j.judgement().samples().stream()).toList());
    return unread.isEmpty()
        ? ""
        : unread.entrySet().stream()
            .map(e -> e.getKey() + " " + e.getValue())
            .collect(Collectors.joining(", ", " (", ")"));
  }

  private Checkpoint train(
      Stage stage,
      Checkpoint base,
      String name,
      List<TrainingExample> all,
      List<Probes.Named> probes,
      RunConfig.Training section,
      TrainingSettings settings,
      long seed) {
    long start = System.nanoTime();
    List<TrainingExample> examples = new ArrayList<>(all);
    int heldOut = (int) (all.size() * section.heldOut());
    if (heldOut > 0) {
      Collections.shuffle(examples, new Random(Seeds.of(config.seed(), Seeds.HELD_OUT, seed)));
    }
    Path folder = store.folder().resolve(name);
    TrainingRequest request =
        new TrainingRequest(
            base,
            examples.subList(heldOut, examples.size()),
            examples.subList(0, heldOut),
            settings,
            seed,
            new Checkpoint(name, folder),
            store.folder().resolve("state-" + name),
            probes.stream().map(Probes.Named::probe).toList());
    cancellation.throwIfCancelled();
    store.hold(base.name(), base.folder(), cancellation);
    int steps = settings.steps(request.examples().size());
    listener.stageStarted(stage, Math.min(store.steps(name).size(), steps), steps);
    TrainingResult result;
    try {
      result =
          plugins
              .trainer(config.trainer())
              .create(config.compute().trainerSettings())
              .train(
                  request,
                  metrics -> {
                    store.addStep(name, metrics);
                    listener.trained(stage, metrics);
                  },
                  cancellation);
    } catch (PluginFailedException e) {
      throw e.in(Stages.name(stage));
    }
    result.metrics().forEach(metrics -> store.addStep(name, metrics));
    List<ModelHandover.Weighed> weighed = new ArrayList<>();
    for (int i = 0; i < result.probes().size(); i++) {
      Probes.Named probe = probes.get(i);
      weighed.add(
          ModelHandover.Weighed.of(
              probe.name(), probe.probe(), probe.drawn(), result.probes().get(i)));
    }
    ModelHandover.put(store, name, weighed);
    store.addModel(name, Optional.of(base.name()), folder, Provenance.trained(request));
    store.finish(Stages.name(stage), Stages.seconds(start));
    listener.stageFinished(stage);
    return result.checkpoint();
  }
}
