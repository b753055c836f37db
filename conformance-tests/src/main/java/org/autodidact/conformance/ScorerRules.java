package org.autodidact.conformance;

import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rules of {@link Scorer#score}. Extend it and provide a generator that has a scorer. */
public abstract class ScorerRules extends Rules {
  private static final List<String> CONTINUATIONS = List.of("yes", "no", "perhaps not");
  private Generator generator;
  private Scorer scorer;

  /** A generator whose scorer is tested; it is closed after each test. */
  protected abstract Generator open();

  @BeforeEach
  final void openGenerator() {
    generator = open();
    scorer =
        generator
            .scorer()
            .orElseThrow(
                () -> broken(Rule.W1, "Generator.scorer()", "a scorer", "the generator has none"));
  }

  @AfterEach
  final void closeGenerator() {
    if (generator != null) { // null where the rule is exempt
      generator.close();
    }
  }

  private static ScoringRequest request(int index, List<String> continuations) {
    return new ScoringRequest(
        Prompt.of("p" + index, "Is " + index + " a number?"), "", continuations, index % 2 == 1);
  }

  private static List<ScoringRequest> requests() {
    return List.of(
        request(0, CONTINUATIONS), request(1, CONTINUATIONS), request(2, List.of("yes")));
  }

  private Map<String, Scoring> score(List<ScoringRequest> requests) {
    Handover<ScoringRequest, Scoring> handover =
        new Handover<>(
            Rule.W1,
            requests,
            r -> r.prompt().id(),
            Scoring::promptId,
            (ScoringRequest r) -> Shown.of(r));
    call(
        Rule.W1,
        requests.isEmpty() ? "no request at all" : Shown.of(requests.get(0)) + " and others",
        () -> scorer.score(requests, handover, new Cancellation()));
    return handover.complete();
  }

  @Test
  public void W1_oneScoringForEachRequest() {
    score(requests());
    score(List.of());
    Cancellation before = new Cancellation();
    before.cancel();
    thrown(
        Rule.W1,
        "three requests, cancelled before the call",
        CancelledException.class,
        () -> scorer.score(requests(), s -> {}, before));
  }

  @Test
  public void W2_oneLogProbabilityForEachContinuationInOrder() {
    List<ScoringRequest> requests = requests();
    Map<String, Scoring> found = score(requests);
    for (ScoringRequest request : requests) {
      Scoring scoring = found.get(request.prompt().id());
      check(
          scoring.logProbabilities().size() == request.count()
              && scoring.tokens().size() == request.count(),
          Rule.W2,
          Shown.of(request),
          request.count() + " log-probabilities and as many counts of tokens",
          scoring);
      for (int i = 0; i < request.count(); i++) {
        double among = scoring.logProbabilities().get(i);
        check(
            among <= 0, // which NaN is not
            Rule.W2,
            Shown.of(request),
            "numbers of at most 0",
            scoring.logProbabilities());
        ScoringRequest single =
            new ScoringRequest(
                request.prompt(),
                request.prefix(),
                List.of(request.continuations().get(i)),
                request.endOfText());
        List<Double> alone = score(List.of(single)).get(request.prompt().id()).logProbabilities();
        check(
            alone.size() == 1 && Math.abs(alone.get(0) - among) <= 1e-3,
            Rule.W2,
            Shown.of(request),
            "for continuation " + i + " what it has alone, " + alone,
            scoring.logProbabilities());
      }
    }
  }
}
