package org.autodidact.engine.judge;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;

/**
 * A judge that is the host's own code: tests that pass or not, a compiler, a calculator. A host
 * offers it through a plugin under a name of its choice; {@code rules} is the usual one.
 */
public final class RulesJudge implements Judge {
  private final String name;
  private final ToDoubleFunction<JudgementRequest> score;

  private RulesJudge(String name, ToDoubleFunction<JudgementRequest> score) {
    this.name = name;
    this.score = score;
  }

  /**
   * A judge that gives the score of a function.
   *
   * @param score of instruction and response alone, on the 5-point scale; must be thread-safe
   */
  public static JudgeProvider provider(String name, ToDoubleFunction<JudgementRequest> score) {
    return JudgeProvider.of(name, context -> new RulesJudge(name, score));
  }

  /**
   * A judge of rules with equal weight: 5 points where all hold, 0 where none does.
   *
   * @param rules by a name that says what holds; each is given instruction and response
   */
  public static JudgeProvider provider(
      String name, Map<String, ? extends BiPredicate<String, String>> rules) {
    if (rules.isEmpty()) {
      throw new InvalidInputException("the judge '" + name + "' has no rule; give at least one");
    }
    Map<String, BiPredicate<String, String>> fixed = Map.copyOf(rules);
    return provider(
        name,
        r ->
            5.0
                * fixed.values().stream()
                    .filter(rule -> rule.test(r.instruction(), r.response()))
                    .count()
                / fixed.size());
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    AdditiveJudge.requireDistinct(requests);
    for (JudgementRequest request : requests) {
      cancellation.throwIfCancelled();
      double given = score.applyAsDouble(request);
      if (!(given >= scale().lowest() && given <= scale().highest())) {
        throw new InvalidInputException(
            "the judge '"
                + name
                + "' returned "
                + given
                + " for '"
                + request.id()
                + "'; a score must be in [0, 5]");
      }
      results.accept(
          Judgement.of(request.id(), List.of(new JudgementSample(OptionalDouble.of(given), ""))));
    }
  }

  @Override
  public void close() {}
}
