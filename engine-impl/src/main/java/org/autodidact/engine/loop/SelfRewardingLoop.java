package org.autodidact.engine.loop;

import java.util.List;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;

/**
 * The algorithm of Self-Rewarding Language Models (Yuan et al., 2024, section 2.4), line by line.
 * The work of each line, and how it is stored and resumed, is in {@link Stages}.
 */
public final class SelfRewardingLoop {
  private final Stages stages;

  public SelfRewardingLoop(Stages stages) {
    this.stages = stages;
  }

  /** M0 → M1 by fine-tuning on IFT and EFT; then M<sub>t</sub> teaches M<sub>t+1</sub>. */
  public Checkpoint run(int iterations) {
    Checkpoint model = stages.fineTune(stages.baseModel());
    for (int t = 1; t <= iterations; t++) {
      List<Prompt> prompts = stages.createPrompts(t, model);
      stages.generatePastCandidates(t, prompts);
      try (LazyModel generator = stages.open(model)) {
        stages.generateCandidates(t, prompts, generator);
        stages.judgeCandidates(t, prompts, generator);
        stages.evaluate(t, generator);
      }
      stages.judgeByTheIterateBefore(t, prompts);
      stages.addFutureCandidates(t, prompts, model);
      List<PreferencePair> pairs = stages.selectPairs(t, prompts);
      if (!stages.mayGoOn(t)) {
        return model;
      }
      model = stages.trainOnPreferences(t, model, pairs);
    }
    try (LazyModel last = stages.open(model)) {
      stages.check(last);
      stages.evaluate(iterations + 1, last);
    }
    return model;
  }
}
