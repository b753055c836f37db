package org.autodidact.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.RunListener;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.store.Provenance;
import org.autodidact.engine.store.RunStore;

/** The stages of a run in which a model learns: each stores its steps, and its model at the end. */
final class Trainings {
  private final RunConfig config;
  private final Plugins plugins;
  private final RunStore store;
  private final RunListener listener;
  private final Cancellation cancellation;

  Trainings(
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
    return train(
        new Stage("M0", Kind.FINE_TUNING),
        base,
        "M1",
        FineTuningData.read(section, config.judge().template()),
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
        config.preferenceTraining(),
        settings,
        Seeds.of(config.seed(), seed, iteration));
  }

  /** With the loss SFT the chosen answer alone: the paper's positive-only control (section 3.3). */
  private static TrainingExample example(PreferencePair pair, TrainingSettings.Loss loss) {
    String chosen = pair.chosen().candidate().text();
    return loss == TrainingSettings.Loss.SFT
        ? new TrainingExample.Demonstration(pair.prompt().messages(), chosen)
        : new TrainingExample.Preference(
            pair.prompt().messages(), chosen, pair.rejected().candidate().text(), pair.weight());
  }

  private InvalidInputException noPairs(int iteration) {
    List<JudgedCandidate> judged =
        store.judged(iteration).values().stream().flatMap(m -> m.values().stream()).toList();
    long scored = judged.stream().filter(j -> j.judgement().score().isPresent()).count();
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
                    + "' never wrote one that could be read"
                    + reasons(judged)
                    + ": raise judge.max-tokens, fine-tune on EFT"
                    + " data, or use the judge 'expected-score'"
                : ", and no prompt's candidates differ in theirs: take more candidates or prompts"));
  }

  /** " (cut-off 7, no-statement 2)", or nothing where the judge gave no reason. */
  private static String reasons(List<JudgedCandidate> judged) {
    SortedMap<String, Integer> unread =
        JudgeMetrics.unread(
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
            store.folder().resolve("state-" + name));
    cancellation.throwIfCancelled();
    int steps = settings.steps(request.examples().size());
    listener.stageStarted(stage, Math.min(store.steps(name).size(), steps), steps);
    TrainingResult result =
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
    result.metrics().forEach(metrics -> store.addStep(name, metrics));
    store.addModel(name, Optional.of(base.name()), folder, Provenance.trained(request));
    store.finish(Stages.name(stage), Stages.seconds(start));
    listener.stageFinished(stage);
    return result.checkpoint();
  }
}
