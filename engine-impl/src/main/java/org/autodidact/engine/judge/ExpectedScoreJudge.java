package org.autodidact.engine.judge;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Scorer;
import org.autodidact.api.ScoringRequest;

/**
 * Grades without writing: the probabilities of the digits 0 to 5 after {@code "Score: "},
 * renormalized, give the expected score. One pass over the judge prompt, no sampling; seeds are
 * ignored.
 */
public final class ExpectedScoreJudge implements Judge {
  /** Opens it by the name {@code expected-score}. */
  public static final JudgeProvider PROVIDER =
      JudgeProvider.of("expected-score", ExpectedScoreJudge::new);

  /** The text before the score's digit. */
  static final String BEFORE_DIGIT = "Score: ";

  static final List<String> DIGITS =
      IntStream.rangeClosed(0, 5).mapToObj(Integer::toString).toList();

  private final Scorer scorer;
  private final JudgeTemplate template;

  ExpectedScoreJudge(JudgeProvider.JudgeContext context) {
    this.scorer = Judges.scorer(context.generator(), PROVIDER.name());
    this.template = JudgeTemplate.additive(context.template());
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    List<ScoringRequest> prompts =
        AdditiveJudge.requireDistinct(requests).values().stream()
            .map(
                r ->
                    new ScoringRequest(
                        template.prompt(r.id(), r.instruction(), r.response()),
                        BEFORE_DIGIT,
                        DIGITS,
                        false))
            .toList();
    scorer.score(
        prompts,
        scoring ->
            results.accept(
                Judgement.of(
                    scoring.promptId(),
                    List.of(
                        new JudgementSample(
                            OptionalDouble.of(expected(scoring.logProbabilities())), "")))),
        cancellation);
  }

  /**
   * Σ d · p(d) over the digits, p renormalized; computed against the largest to avoid underflow.
   */
  static double expected(List<Double> logProbabilities) {
    double largest = logProbabilities.stream().mapToDouble(x -> x).max().orElseThrow();
    double sum = 0;
    double weighted = 0;
    for (int digit = 0; digit < logProbabilities.size(); digit++) {
      double p = Math.exp(logProbabilities.get(digit) - largest);
      sum += p;
      weighted += digit * p;
    }
    return weighted / sum;
  }

  @Override
  public void close() {}
}
