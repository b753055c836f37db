package org.autodidact.engine.plugins.rules;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.RuleBrokenException;

/** A plugin's judge, held to the rules that can be seen from outside. */
public final class CheckedJudge implements Judge {
  /**
   * The rounding error of a mean that was computed in another order, relative to the scale's width.
   */
  private static final double ROUNDING = 1e-6;

  private final String who;
  private final Judge judge;

  private CheckedJudge(String who, Judge judge) {
    this.who = who;
    this.judge = judge;
  }

  /** The provider, whose judges are checked. */
  public static JudgeProvider provider(JudgeProvider provider) {
    String who = "the judge '" + provider.name() + "'";
    return JudgeProvider.of(
        provider.name(),
        provider.optionsType(),
        provider.readsModel(),
        context ->
            new CheckedJudge(who, PluginCalls.open(who, "J1", () -> provider.open(context))));
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    ResultContract<JudgementRequest, Judgement> contract =
        new ResultContract<>(
            who,
            "J1",
            requests,
            JudgementRequest::id,
            Judgement::id,
            (request, judgement) -> check(judgement),
            results);
    contract.during(() -> judge.judge(requests, contract::accept, cancellation));
  }

  private void check(Judgement judgement) {
    List<JudgementSample> samples = judgement.samples();
    requireOnScale(judgement.id(), judgement.score());
    samples.forEach(sample -> requireOnScale(judgement.id(), sample.score()));
    OptionalDouble mean = Judgement.of(judgement.id(), samples).score();
    OptionalDouble score = judgement.score();
    if (score.isPresent() != mean.isPresent()
        || score.isPresent()
            && Math.abs(score.getAsDouble() - mean.getAsDouble()) > ROUNDING * scale().width()) {
      throw new RuleBrokenException(
          who,
          "J3",
          "'"
              + judgement.id()
              + "' has the score "
              + text(score)
              + ", the mean of its samples is "
              + text(mean));
    }
  }

  private void requireOnScale(String id, OptionalDouble score) {
    Scale scale = scale();
    double slack = ROUNDING * scale.width();
    if (score.isPresent()
        && !(score.getAsDouble() >= scale.lowest() - slack
            && score.getAsDouble() <= scale.highest() + slack)) {
      throw new RuleBrokenException(
          who,
          "J2",
          "'"
              + id
              + "' has the score "
              + text(score)
              + ", its scale is from "
              + scale.lowest()
              + " to "
              + scale.highest());
    }
  }

  private static String text(OptionalDouble score) {
    return score.isPresent() ? Double.toString(score.getAsDouble()) : "none";
  }

  @Override
  public Scale scale() {
    return judge.scale();
  }

  @Override
  public void close() {
    judge.close();
  }
}
