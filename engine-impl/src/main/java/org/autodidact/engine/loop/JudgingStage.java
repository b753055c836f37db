package org.autodidact.engine.loop;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.PairSelector.Need;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.engine.config.ModelName;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.IterationStore;
import org.autodidact.engine.store.IterationStore.SampledCandidate;
import org.autodidact.engine.store.IterationStore.Scores;
import org.autodidact.engine.store.PromptRange;
import org.autodidact.engine.store.RunStore;

/** A judgement of each candidate. */
public final class JudgingStage {
  private final StageRunner run;
  private final RunStore store;
  private final ModelOpener models;
  private final CandidatePositions positions;

  JudgingStage(StageRunner run, ModelOpener models) {
    this.run = run;
    this.store = run.store();
    this.models = models;
    this.positions = CandidatePositions.of(run.config());
  }

  /** Judges the iterate's own and a past iterate's candidates by the iterate. */
  void judge(int iteration, List<Prompt> prompts, LazyModel model) {
    Stage stage = new Stage(model.checkpoint().name(), Kind.JUDGEMENTS);
    judge(stage, iteration, prompts, CandidatePositions.OWN, model, Seeds.JUDGEMENTS);
  }

  /** Judges a future iterate's candidates by the iterate. */
  void judgeFuture(int iteration, List<Prompt> prompts, LazyModel model) {
    Stage stage = new Stage(model.checkpoint().name(), Kind.FUTURE_JUDGEMENTS);
    judge(stage, iteration, prompts, positions.future(), model, Seeds.FUTURE_JUDGEMENTS);
  }

  private void judge(
      Stage stage,
      int iteration,
      List<Prompt> prompts,
      int firstPosition,
      LazyModel model,
      long seed) {
    String judge = judgeName(model);
    judge(
        stage,
        new Work(iteration, prompts, firstPosition, seed, Scores.JUDGEMENTS),
        model,
        (request, judgement) ->
            store
                .iterations()
                .addJudgement(
                    iteration,
                    request.prompt(),
                    request.position(),
                    run.config().judge().name(),
                    judge,
                    judgement,
                    request.request().seeds()));
  }

  /**
   * Scores the same candidates by the previous iterate, where the selector needs it. None where M1
   * is M0.
   */
  void scoreByPreviousIterate(int iteration, List<Prompt> prompts) {
    Stage stage = new Stage("M" + iteration, Kind.EARLIER_SCORES);
    String previous = "M" + (iteration - 1);
    if (!PairingStage.needs(run, Need.EARLIER_SCORES)
        || run.isFinished(stage)
        || (iteration == 1 && run.config().fineTuning().isEmpty())) {
      return;
    }
    try (LazyModel model = models.open(run.checkpoint(previous))) {
      judge(
          stage,
          new Work(
              iteration, prompts, CandidatePositions.OWN, Seeds.EARLIER_SCORES, Scores.EARLIER),
          model,
          (request, judgement) ->
              store
                  .iterations()
                  .addEarlierScore(
                      iteration,
                      request.prompt(),
                      request.position(),
                      previous,
                      judgement.score()));
    }
  }

  /** What is to be judged: the candidates of an iteration from a position on. */
  private record Work(
      int iteration, List<Prompt> prompts, int firstPosition, long seed, Scores by) {}

  /** The request to judge the candidate of a position. */
  private record PositionedRequest(int prompt, int position, JudgementRequest request) {}

  /** The requests of a portion whose results are not stored, by their ids, in order. */
  private Map<String, PositionedRequest> open(Work work, PromptRange portion) {
    IterationStore stored = store.iterations();
    Map<Integer, Set<Integer>> done = stored.judgedPositions(work.by(), work.iteration(), portion);
    Map<String, PositionedRequest> open = new LinkedHashMap<>();
    stored
        .candidates(work.iteration(), portion)
        .forEach(
            (p, candidates) ->
                candidates.forEach(
                    (c, candidate) -> {
                      if (c >= work.firstPosition()
                          && !done.getOrDefault(p, Set.of()).contains(c)) {
                        JudgementRequest request =
                            new JudgementRequest(
                                p + "/" + c,
                                work.prompts().get(p),
                                candidate.candidate().text(),
                                run.seeds(
                                    run.config().judge().samples(),
                                    work.seed(),
                                    work.iteration(),
                                    p,
                                    c),
                                rivals(candidates, c));
                        open.put(request.id(), new PositionedRequest(p, c, request));
                      }
                    }));
    return open;
  }

  /** A future iterate's candidates are no rivals: the others were judged before they were there. */
  private List<String> rivals(Map<Integer, SampledCandidate> candidates, int except) {
    return candidates.entrySet().stream()
        .filter(e -> e.getKey() != except && e.getKey() < positions.future())
        .map(e -> e.getValue().candidate().text())
        .toList();
  }

  private void judge(
      Stage stage, Work work, LazyModel model, BiConsumer<PositionedRequest, Judgement> results) {
    if (run.isFinished(stage)) {
      return; // before millions of judgements are counted
    }
    run.run(
        stage,
        store.iterations().judgedCount(work.by(), work.iteration(), work.firstPosition()),
        store.iterations().candidateCount(work.iteration(), work.firstPosition()),
        progress -> {
          try (LazyModel judging = models.judge(model);
              Judge judge = openJudge(run.config(), run.plugins(), judging.generator())) {
            store.storeScale(judge.scale());
            for (PromptRange portion : PromptRange.portions(work.prompts().size())) {
              Map<String, PositionedRequest> open = open(work, portion);
              if (!open.isEmpty()) {
                judge.judge(
                    open.values().stream().map(PositionedRequest::request).toList(),
                    judgement -> {
                      results.accept(open.get(judgement.id()), judgement);
                      progress.run();
                    },
                    run.cancellation());
              }
            }
          }
        });
  }

  private String judgeName(LazyModel learner) {
    return JudgeModel.of(run.config(), run.plugins()).isPresent()
        ? JudgeModel.NAME
        : learner.checkpoint().name();
  }

  /** The run's judge over a model, which stays the caller's. */
  public static Judge openJudge(RunConfig config, Plugins plugins, Generator model) {
    RunConfig.JudgeSection section = config.judge();
    return plugins.openJudge(
        section.name(),
        section.members(),
        new JudgeContext(
            model,
            section.sampling(),
            section.template().map(FineTuningData::readText),
            List.of(),
            section
                .model()
                .map(ModelName::path)
                .filter(m -> plugins.judge(section.name()).readsModel()),
            PartOptions.of(section.options())));
  }
}
