package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelector.Need;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.api.SelectionRequest;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.store.IterationStore.Learner;
import org.autodidact.engine.store.IterationStore.PairPositions;
import org.autodidact.engine.store.PromptRange;
import org.autodidact.engine.store.RunStore;

/** The preference pairs of an iteration, at most one for each prompt. */
public final class PairingStage {
  private final StageRunner run;

  PairingStage(StageRunner run) {
    this.run = run;
  }

  /** The run's selector. */
  public static PairSelector selector(RunConfig config, Plugins plugins) {
    return plugins
        .pairSelector(config.selector().name())
        .create(config.selector().settings(config.seed()));
  }

  static boolean needs(StageRunner run, Need need) {
    return selector(run.config(), run.plugins()).needs().contains(need);
  }

  /** The pairs that the next iterate is trained on. */
  List<PreferencePair> select(int iteration, List<Prompt> prompts) {
    return select(Kind.PAIRS, Learner.NEXT, iteration, prompts);
  }

  /** The pairs that a future iterate is trained on. */
  List<PreferencePair> selectForFuture(int iteration, List<Prompt> prompts) {
    return select(Kind.FUTURE_PAIRS, Learner.FUTURE, iteration, prompts);
  }

  private List<PreferencePair> select(
      Kind kind, Learner learner, int iteration, List<Prompt> prompts) {
    RunStore store = run.store();
    Stage stage = new Stage("M" + iteration, kind);
    if (!run.isFinished(stage)) {
      run.cancellation().throwIfCancelled();
      long start = System.nanoTime();
      run.listener().stageStarted(stage, 0, prompts.size());
      PairSelector selector = selector(run.config(), run.plugins());
      CandidatePositions positions = CandidatePositions.of(run.config());
      boolean ownIsPast = iteration == 1 && selector.needs().contains(Need.PAST_CANDIDATES);
      List<PairPositions> pairs = new ArrayList<>();
      for (PromptRange portion : PromptRange.portions(prompts.size())) {
        Map<Integer, Map<Integer, OptionalDouble>> earlier =
            store.iterations().earlierScores(iteration, portion);
        store
            .iterations()
            .judged(iteration, portion)
            .forEach(
                (p, judged) -> {
                  List<JudgedCandidate> own = positions.own(judged);
                  TruncatedCandidates.select(
                          selector,
                          new SelectionRequest(
                              prompts.get(p),
                              own,
                              ownIsPast ? own : positions.past(judged),
                              positions.future(judged),
                              positions.own(earlier.getOrDefault(p, Map.of()))),
                          run.config().candidates().truncated())
                      .ifPresent(
                          pair ->
                              pairs.add(
                                  new PairPositions(
                                      p,
                                      position(judged, pair.chosen()),
                                      position(judged, pair.rejected()),
                                      pair.weight())));
                });
        run.cancellation().throwIfCancelled();
      }
      store
          .iterations()
          .addPairs(learner, iteration, pairs, StageRunner.name(stage), StageRunner.seconds(start));
      run.listener().stageFinished(stage);
    }
    return store.iterations().pairs(learner, iteration);
  }

  private static int position(Map<Integer, JudgedCandidate> judged, JudgedCandidate candidate) {
    return judged.entrySet().stream()
        .filter(e -> e.getValue().equals(candidate))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }
}
