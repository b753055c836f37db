package org.autodidact.engine.loop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.autodidact.api.Answer;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.api.TrainerProvider.TrainerContext;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.config.RunConfig.Candidates.Truncated;
import org.autodidact.engine.config.RunConfig.Strategy.Pairs;
import org.autodidact.engine.config.RunConfig.Strategy.Start;
import org.autodidact.engine.config.TrainingOptions;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.data.LazyList;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.PromptRange;
import org.autodidact.engine.store.Provenance;
import org.autodidact.engine.store.RunStore;
import org.autodidact.engine.text.EnumNames;

/** Fine-tuning and preference training: each stores its steps, and its model at the end. */
final class TrainingStage {
  private final StageRunner run;
  private final RunConfig config;
  private final RunStore store;

  TrainingStage(StageRunner run) {
    this.run = run;
    this.config = run.config();
    this.store = run.store();
  }

  /** M0 becomes M1, or is M1 where the run has no fine-tuning. */
  Checkpoint fineTune(Checkpoint base) {
    if (store.model("M1").isPresent()) {
      return run.checkpoint("M1");
    }
    if (config.fineTuning().isEmpty()) {
      Checkpoint same = new Checkpoint("M1", base.location(), base.isReference());
      store.addModel(same, Optional.of("M0"), Provenance.unchanged(base));
      return same;
    }
    RunConfig.FineTuning section = config.fineTuning().get();
    List<TrainingExample> examples =
        FineTuningData.read(section.ift(), section.eft(), config.judge().template());
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

  /** M<sub>t</sub> becomes M<sub>t+1</sub>. */
  Checkpoint trainOnPreferences(int iteration, Checkpoint model, List<PreferencePair> pairs) {
    return trainOnPairs(
        new Stage(model.name(), Kind.PREFERENCE_TRAINING),
        "M" + (iteration + 1),
        iteration,
        model,
        pairs,
        Seeds.PREFERENCE_TRAINING);
  }

  /**
   * Trains a model on the pairs of an iteration, and on those of earlier ones where the run's
   * strategy is cumulative.
   *
   * @param next the name of the new model
   * @param seed the first step of the path of its seed
   */
  Checkpoint trainOnPairs(
      Stage stage,
      String next,
      int iteration,
      Checkpoint model,
      List<PreferencePair> pairs,
      long seed) {
    if (store.model(next).isPresent()) {
      return run.checkpoint(next);
    }
    if (pairs.isEmpty()) {
      throw noPairs(iteration);
    }
    List<List<PreferencePair>> all = new ArrayList<>();
    for (int t = config.strategy().pairs() == Pairs.CUMULATIVE ? 1 : iteration;
        t < iteration;
        t++) {
      all.add(store.iterations().pairs(t));
    }
    all.add(pairs);
    Checkpoint start = config.strategy().start() == Start.M1 ? run.checkpoint("M1") : model;
    TrainingSettings settings = config.preferenceTraining().over(TrainingSettings.dpo());
    List<TrainingExample> examples =
        new LazyList<>(
            all.stream().mapToInt(List::size).sum(), i -> example(at(all, i), settings.loss()));
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

  /** The element of an index in lists that follow each other. */
  private static <T> T at(List<List<T>> lists, int index) {
    int left = index;
    for (List<T> list : lists) {
      if (left < list.size()) {
        return list.get(left);
      }
      left -= list.size();
    }
    throw new IndexOutOfBoundsException(index);
  }

  /**
   * The example of a pair; with the loss SFT the chosen answer alone, the paper's positive-only
   * control (section 3.3).
   */
  private static TrainingExample example(PreferencePair pair, TrainingSettings.Loss loss) {
    Answer chosen = Answer.sampled(pair.chosen().candidate());
    return loss.equals(TrainingSettings.Loss.SFT)
        ? new TrainingExample.Demonstration(pair.prompt().messages(), chosen)
        : new TrainingExample.Preference(
            pair.prompt().messages(),
            chosen,
            Answer.sampled(pair.rejected().candidate()),
            pair.weight());
  }

  private InvalidInputException noPairs(int iteration) {
    long judged = 0;
    long scored = 0;
    long cut = 0;
    boolean varies = false;
    SortedMap<String, Integer> reasons = new TreeMap<>();
    int prompts = store.iterations().prompts(iteration).size();
    for (PromptRange portion : PromptRange.portions(prompts)) {
      for (var byPosition : store.iterations().judged(iteration, portion).values()) {
        varies |=
            byPosition.size() == 1
                || byPosition.values().stream().map(j -> j.candidate().text()).distinct().count()
                    > 1;
        for (JudgedCandidate j : byPosition.values()) {
          judged++;
          scored += j.judgement().score().isPresent() ? 1 : 0;
          cut += j.candidate().finishReason().isTruncated() ? 1 : 0;
          JudgeMetrics.parseFailuresByReason(j.judgement().samples())
              .forEach((why, count) -> reasons.merge(why, count, Integer::sum));
        }
      }
    }
    boolean cutMatters = cut > 0 && config.candidates().truncated() != Truncated.KEEP;
    return new InvalidInputException(
        "iteration "
            + iteration
            + ": no preference pair: of "
            + judged
            + " judged candidates "
            + scored
            + " have a score"
            + (scored == 0
                ? "; the judge '"
                    + config.judge().name()
                    + "' gave none"
                    + text(reasons)
                    + "; where a model writes its judgements, raise judge.max-tokens, fine-tune on EFT"
                    + " data, or use the judge 'expected-score'"
                : cutMatters
                    ? ", and "
                        + cut
                        + " were cut off, which candidates.truncated: "
                        + EnumNames.of(config.candidates().truncated())
                        + " keeps out: raise candidates.max-tokens, or set it to keep"
                    : varies
                        ? ", and no prompt's candidates differ in theirs: take more candidates or"
                            + " prompts"
                        : ", and all candidates of each prompt are one text: the generator does not"
                            + " sample; raise candidates.temperature, or see what its server needs"));
  }

  /** " (cut-off 7, no-statement 2)", or nothing where the judge gave no reason. */
  private static String text(SortedMap<String, Integer> reasons) {
    return reasons.isEmpty()
        ? ""
        : reasons.entrySet().stream()
            .map(e -> e.getKey() + " " + e.getValue())
            .collect(Collectors.joining(", ", " (", ")"));
  }

  private Checkpoint train(
      Stage stage,
      Checkpoint base,
      String name,
      List<TrainingExample> all,
      List<Probes.Named> probes,
      TrainingOptions section,
      TrainingSettings settings,
      long seed) {
    long start = System.nanoTime();
    int heldOut = (int) (all.size() * section.heldOut());
    List<TrainingExample> examples = all;
    if (heldOut > 0) {
      List<Integer> order = new ArrayList<>(IntStream.range(0, all.size()).boxed().toList());
      Collections.shuffle(order, new Random(Seeds.of(config.seed(), Seeds.HELD_OUT, seed)));
      examples = new LazyList<>(all.size(), i -> all.get(order.get(i)));
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
    run.cancellation().throwIfCancelled();
    store.verify(base, run.cancellation());
    int steps = settings.steps(request.examples().size());
    run.listener()
        .stageStarted(stage, Math.min(store.trainingLog().steps(name).size(), steps), steps);
    TrainingResult result;
    try {
      result =
          run.plugins()
              .trainer(config.trainer().name())
              .create(
                  new TrainerContext(
                      config.compute().trainerSettings(),
                      config.trainer().partOptions(),
                      store.clock()))
              .train(
                  request,
                  metrics -> {
                    store.trainingLog().addStep(name, metrics);
                    run.listener().trained(stage, metrics);
                  },
                  run.cancellation());
    } catch (PluginFailedException e) {
      throw e.in(StageRunner.name(stage));
    }
    result.metrics().forEach(metrics -> store.trainingLog().addStep(name, metrics));
    List<ModelHandover.ScoredProbe> scored = new ArrayList<>();
    for (int i = 0; i < result.probes().size(); i++) {
      Probes.Named probe = probes.get(i);
      scored.add(
          ModelHandover.ScoredProbe.of(
              probe.name(), probe.probe(), probe.sampledLogProbability(), result.probes().get(i)));
    }
    ModelHandover.put(store, name, scored);
    store.addModel(
        result.checkpoint(),
        Optional.of(base.name()),
        Provenance.trained(
            request, run.plugins().owner(run.plugins().trainer(config.trainer().name()))));
    store.finish(StageRunner.name(stage), StageRunner.seconds(start));
    run.listener().stageFinished(stage);
    return result.checkpoint();
  }
}
