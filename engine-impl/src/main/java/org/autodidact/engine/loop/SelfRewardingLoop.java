package org.autodidact.engine.loop;

import java.util.List;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;

/**
 * The algorithm of Self-Rewarding Language Models (Yuan et al., 2024, section 2.4), line by line. A
 * stage does the work of a line; {@link StageRunner} says how it is stored and resumed.
 */
public final class SelfRewardingLoop {
  private final StageRunner run;
  private final ModelOpener models;
  private final PromptStage prompting;
  private final CandidateStage candidates;
  private final JudgingStage judging;
  private final EvaluationStage evaluation;
  private final PairingStage pairing;
  private final TrainingStage training;
  private final FutureStage future;
  private final DriftStage drift;

  public SelfRewardingLoop(StageRunner run) {
    this.run = run;
    models = new ModelOpener(run);
    prompting = new PromptStage(run, models);
    candidates = new CandidateStage(run, models);
    judging = new JudgingStage(run, models);
    evaluation = new EvaluationStage(run);
    pairing = new PairingStage(run);
    training = new TrainingStage(run);
    future = new FutureStage(run, models, candidates, judging, pairing, training);
    drift = new DriftStage(run);
  }

  /** M0 → M1 by fine-tuning on IFT and EFT; then M<sub>t</sub> teaches M<sub>t+1</sub>. */
  public Checkpoint run() {
    int iterations = run.config().iterations();
    Checkpoint model = training.fineTune(run.checkpoint("M0"));
    for (int t = 1; t <= iterations; t++) {
      List<Prompt> prompts = prompting.create(t, model);
      candidates.samplePast(t, prompts);
      try (LazyModel iterate = models.open(model)) {
        candidates.sample(t, prompts, iterate);
        judging.judge(t, prompts, iterate);
        evaluation.evaluate(t, iterate);
      }
      judging.scoreByPreviousIterate(t, prompts);
      future.addCandidates(t, prompts, model);
      List<PreferencePair> pairs = pairing.select(t, prompts);
      if (!drift.withinLimits(t)) {
        return model;
      }
      model = training.trainOnPreferences(t, model, pairs);
    }
    try (LazyModel last = models.open(model)) {
      models.check(last);
      evaluation.evaluate(iterations + 1, last);
    }
    return model;
  }
}
