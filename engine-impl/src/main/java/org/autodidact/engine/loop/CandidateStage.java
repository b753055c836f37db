package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.PairSelector.Need;
import org.autodidact.api.Prompt;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.IterationStore;
import org.autodidact.engine.store.PromptRange;

/** N candidates for each prompt, sampled from the iterate, a past or a future one. */
final class CandidateStage {
  private final StageRunner run;
  private final ModelOpener models;
  private final CandidatePositions positions;

  CandidateStage(StageRunner run, ModelOpener models) {
    this.run = run;
    this.models = models;
    this.positions = CandidatePositions.of(run.config());
  }

  /** The iterate's own candidates. */
  void sample(int iteration, List<Prompt> prompts, LazyModel model) {
    Stage stage = new Stage(model.checkpoint().name(), Kind.CANDIDATES);
    sample(stage, iteration, prompts, model, CandidatePositions.OWN, Seeds.CANDIDATES);
  }

  /**
   * M1's candidates for the same prompts, where the selector needs them; in the first iteration
   * they are the iterate's own.
   */
  void samplePast(int iteration, List<Prompt> prompts) {
    Stage stage = new Stage("M" + iteration, Kind.PAST_CANDIDATES);
    if (iteration == 1 || !PairingStage.needs(run, Need.PAST_CANDIDATES) || run.isFinished(stage)) {
      return;
    }
    try (LazyModel past = models.open(run.checkpoint("M1"))) {
      sample(stage, iteration, prompts, past, positions.past(), Seeds.PAST_CANDIDATES);
    }
  }

  /** The candidates of a future iterate. */
  void sampleFuture(int iteration, List<Prompt> prompts, LazyModel future) {
    Stage stage = new Stage("M" + iteration, Kind.FUTURE_CANDIDATES);
    sample(stage, iteration, prompts, future, positions.future(), Seeds.FUTURE_CANDIDATES);
  }

  private void sample(
      Stage stage,
      int iteration,
      List<Prompt> prompts,
      LazyModel author,
      int firstPosition,
      long seed) {
    if (run.isFinished(stage)) {
      return; // before millions of candidates are counted
    }
    IterationStore store = run.store().iterations();
    run.run(
        stage,
        store.sampledCount(iteration, firstPosition),
        prompts.size(),
        progress -> {
          for (PromptRange portion : PromptRange.portions(prompts.size())) {
            Map<String, Integer> indices = new HashMap<>();
            List<GenerationRequest> open = new ArrayList<>();
            Set<Integer> stored = store.sampled(iteration, portion, firstPosition);
            for (int p = portion.from(); p < portion.to(); p++) {
              if (!stored.contains(p)) {
                indices.put(prompts.get(p).id(), p);
                open.add(request(iteration, p, prompts.get(p), seed));
              }
            }
            if (!open.isEmpty()) {
              author
                  .generator()
                  .generate(
                      open,
                      generation -> {
                        int prompt = indices.get(generation.promptId());
                        String model = author.checkpoint().name();
                        store.addCandidates(iteration, prompt, firstPosition, model, generation);
                        progress.run();
                      },
                      run.cancellation());
            }
          }
        });
  }

  private GenerationRequest request(int iteration, int index, Prompt prompt, long seed) {
    return new GenerationRequest(
        prompt,
        run.seeds(positions.count(), seed, iteration, index),
        run.config().candidates().sampling());
  }
}
