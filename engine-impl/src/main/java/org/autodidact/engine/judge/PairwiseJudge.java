package org.autodidact.engine.judge;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;

/**
 * Grades an answer by how it fares against its {@linkplain JudgementRequest#rivals() rivals}, each
 * pair shown both ways round (as Zheng et al., 2023, do against position bias). A sample is 5 times
 * the probability that the answer is the better one, so 2.5 is a tie; an answer without rivals has
 * no score. Seeds are ignored. The position bias shows in the samples: {@link Position}.
 */
public final class PairwiseJudge implements Judge {
  /** Opens it by the name {@code pairwise}. */
  public static final JudgeProvider PROVIDER = JudgeProvider.of("pairwise", PairwiseJudge::new);

  private final JudgeProvider.JudgeContext context;
  private final JudgeTemplate template;

  PairwiseJudge(JudgeProvider.JudgeContext context) {
    Comparisons.over(context.generator(), "pairwise"); // fails now rather than at the first call
    this.context = context;
    this.template = JudgeTemplate.pairwise(context.template());
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Chunks.judge(requests, cancellation, part -> judgePart(part, results, cancellation));
  }

  private void judgePart(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Comparisons comparisons = Comparisons.over(context.generator(), "pairwise");
    Map<String, List<Supplier<JudgementSample>>> asked = new LinkedHashMap<>();
    for (JudgementRequest r : AdditiveJudge.requireDistinct(requests).values()) {
      List<Supplier<JudgementSample>> samples = new ArrayList<>();
      for (String rival : r.rivals()) {
        Supplier<Double> first = comparisons.put(template, r.instruction(), r.response(), rival);
        Supplier<Double> second = comparisons.put(template, r.instruction(), rival, r.response());
        samples.add(() -> sample(first.get(), Position.FIRST));
        samples.add(() -> sample(1 - second.get(), Position.SECOND));
      }
      asked.put(r.id(), samples);
    }
    comparisons.ask(cancellation);
    asked.forEach(
        (id, samples) ->
            results.accept(Judgement.of(id, samples.stream().map(Supplier::get).toList())));
  }

  private JudgementSample sample(double better, Position shown) {
    return new JudgementSample(OptionalDouble.of(scale().highest() * better), "", shown);
  }

  @Override
  public void close() {}
}
