package org.autodidact.engine.judge;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;

/**
 * Judges judgements (Meta-Rewarding, Wu et al., 2024): a member, by default {@code additive},
 * writes as many judgements as there are seeds; the model compares them two by two, both ways
 * round; the strongest by Bradley-Terry is kept, and its score is the score. Where fewer than two
 * judgements have a score, the member's word stands.
 */
public final class MetaJudge implements Judge {
  /** Opens it by the name {@code meta}. */
  public static final JudgeProvider PROVIDER = JudgeProvider.of("meta", MetaJudge::new);

  private final JudgeProvider.JudgeContext context;
  private final JudgeTemplate template;
  private final Judge member;

  MetaJudge(JudgeProvider.JudgeContext context) {
    Comparisons.over(context.generator(), "meta"); // fails now rather than at the first call
    if (context.members().size() > 1) {
      throw new InvalidInputException(
          "the judge 'meta' judges one member's judgements; judge.members has "
              + context.members().size());
    }
    this.context = context;
    this.template = JudgeTemplate.meta(context.template());
    this.member =
        context.members().isEmpty()
            ? new AdditiveJudge(
                new JudgeProvider.JudgeContext(
                    context.generator(), context.sampling(), java.util.Optional.empty()))
            : context.members().get(0);
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Chunks.judge(requests, cancellation, part -> judgePart(part, results, cancellation));
  }

  private void judgePart(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Map<String, JudgementRequest> byId = AdditiveJudge.requireDistinct(requests);
    Map<String, Judgement> written = new LinkedHashMap<>();
    member.judge(requests, j -> written.put(j.id(), j), cancellation);
    Comparisons comparisons = Comparisons.over(context.generator(), "meta");
    Map<String, Supplier<Judgement>> asked = new LinkedHashMap<>();
    byId.forEach((id, r) -> asked.put(id, best(r, written.get(id), comparisons)));
    comparisons.ask(cancellation);
    asked.values().forEach(judgement -> results.accept(judgement.get()));
  }

  private Supplier<Judgement> best(
      JudgementRequest request, Judgement judgement, Comparisons comparisons) {
    List<JudgementSample> scored =
        judgement.samples().stream().filter(s -> s.score().isPresent()).toList();
    if (scored.size() < 2) {
      return () -> judgement;
    }
    List<List<Supplier<Double>>> firsts = new ArrayList<>();
    for (JudgementSample first : scored) {
      List<Supplier<Double>> row = new ArrayList<>();
      for (JudgementSample second : scored) {
        row.add(
            first == second
                ? () -> 0.5
                : comparisons.put(
                    template,
                    request.instruction(),
                    request.response(),
                    first.text(),
                    second.text()));
      }
      firsts.add(row);
    }
    return () -> Judgement.of(request.id(), List.of(scored.get(strongest(firsts))));
  }

  /** The first of the strongest; {@code firsts[i][j]}: i, shown first, is better than j. */
  private static int strongest(List<List<Supplier<Double>>> firsts) {
    int n = firsts.size();
    double[][] wins = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        if (i != j) {
          wins[i][j] += firsts.get(i).get(j).get();
          wins[j][i] += 1 - firsts.get(i).get(j).get();
        }
      }
    }
    double[] strengths = BradleyTerry.strengths(wins);
    int best = 0;
    for (int i = 1; i < n; i++) {
      best = strengths[i] > strengths[best] ? i : best;
    }
    return best;
  }

  @Override
  public void close() {
    member.close();
  }
}
