package org.autodidact.engine.loop;

import java.util.List;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.PairSelector.Need;
import org.autodidact.api.Prompt;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.engine.seeds.Seeds;

/**
 * Candidates of a future iterate, where the selector needs them (Temporal Self-Rewarding, Wang et
 * al., 2025). It is trained on the pairs that the selector makes without them, as the next iterate
 * will be on the pairs made with them; the iterate judges.
 */
final class FutureStage {
  private final StageRunner run;
  private final ModelOpener models;
  private final CandidateStage candidates;
  private final JudgingStage judging;
  private final PairingStage pairing;
  private final TrainingStage training;

  FutureStage(
      StageRunner run,
      ModelOpener models,
      CandidateStage candidates,
      JudgingStage judging,
      PairingStage pairing,
      TrainingStage training) {
    this.run = run;
    this.models = models;
    this.candidates = candidates;
    this.judging = judging;
    this.pairing = pairing;
    this.training = training;
  }

  void addCandidates(int iteration, List<Prompt> prompts, Checkpoint model) {
    if (!PairingStage.needs(run, Need.FUTURE_CANDIDATES)
        || run.isFinished(new Stage(model.name(), Kind.FUTURE_JUDGEMENTS))) {
      return;
    }
    Checkpoint future =
        training.trainOnPairs(
            new Stage(model.name(), Kind.FUTURE_TRAINING),
            "M" + (iteration + 1) + "-future",
            iteration,
            model,
            pairing.selectForFuture(iteration, prompts),
            Seeds.FUTURE_TRAINING);
    try (LazyModel generator = models.open(future)) {
      candidates.sampleFuture(iteration, prompts, generator);
    }
    try (LazyModel judge = models.open(model)) {
      judging.judgeFuture(iteration, prompts, judge);
    }
  }
}
