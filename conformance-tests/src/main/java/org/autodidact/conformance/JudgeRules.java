package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Prompt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rules of {@link Judge#judge}. Extend it and provide a judge. */
public abstract class JudgeRules extends Rules {
  /** Requests of a call that is cancelled within: a judge that batches may be done with many. */
  private static final int MANY = 100;

  private Judge judge;

  /** A judge to test; it is closed after each test. */
  protected abstract Judge open();

  @BeforeEach
  final void openJudge() {
    judge = open();
  }

  @AfterEach
  final void closeJudge() {
    if (judge != null) { // null where the rule is exempt
      judge.close();
    }
  }

  static List<JudgementRequest> requests(int count) {
    List<JudgementRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(
          new JudgementRequest(
              "j" + i,
              Prompt.of("j" + i, "Say number " + i),
              "The number is " + i + ".",
              List.of(i + 1L, i + 2L),
              List.of("It is " + (i + 1) + ".", "No.")));
    }
    return requests;
  }

  static Map<String, Judgement> judge(Judge judge, List<JudgementRequest> requests, Rule rule) {
    Handover<JudgementRequest, Judgement> handover =
        new Handover<>(
            rule,
            requests,
            JudgementRequest::id,
            Judgement::id,
            (JudgementRequest r) -> Shown.of(r));
    call(
        rule,
        requests.isEmpty() ? "no request at all" : Shown.of(requests.get(0)) + " and others",
        () -> judge.judge(requests, handover, new Cancellation()));
    return handover.complete();
  }

  private Map<String, Judgement> judge(List<JudgementRequest> requests) {
    return judge(judge, requests, Rule.J1);
  }

  @Test
  public void J1_oneJudgementForEachRequest() {
    judge(requests(4));
    judge(List.of());
  }

  @Test
  public void J2_scoresLieOnTheScale() {
    Judge.Scale scale = judge.scale();
    List<JudgementRequest> requests = requests(6);
    Map<String, Judgement> found = judge(requests);
    for (JudgementRequest request : requests) {
      Judgement judgement = found.get(request.id());
      List<OptionalDouble> scores = new ArrayList<>(List.of(judgement.score()));
      judgement.samples().forEach(s -> scores.add(s.score()));
      for (OptionalDouble score : scores) {
        double s = score.orElse(scale.lowest());
        check(
            s >= scale.lowest() && s <= scale.highest(),
            Rule.J2,
            Shown.of(request),
            "a score from " + scale.lowest() + " to " + scale.highest(),
            s);
      }
    }
  }

  @Test
  public void J3_theScoreIsTheMeanOfTheSamplesThatHaveOne() {
    List<JudgementRequest> requests = requests(6);
    Map<String, Judgement> found = judge(requests);
    for (JudgementRequest request : requests) {
      Judgement judgement = found.get(request.id());
      OptionalDouble mean =
          judgement.samples().stream()
              .map(JudgementSample::score)
              .filter(OptionalDouble::isPresent)
              .mapToDouble(OptionalDouble::getAsDouble)
              .average();
      check(
          isClose(judgement.score(), mean, 1e-9),
          Rule.J3,
          Shown.of(request),
          "the score " + mean,
          judgement.score());
    }
  }

  private static boolean isClose(OptionalDouble one, OptionalDouble other, double within) {
    return one.isPresent() == other.isPresent()
        && Math.abs(one.orElse(0) - other.orElse(0)) <= within;
  }

  @Test
  public void J4_aJudgementDoesNotDependOnTheOthers() {
    List<JudgementRequest> requests = requests(6);
    Map<String, Judgement> together = judge(requests);
    for (JudgementRequest request : List.of(requests.get(0), requests.get(5))) {
      OptionalDouble alone = judge(List.of(request)).get(request.id()).score();
      OptionalDouble among = together.get(request.id()).score();
      check(
          isClose(among, alone, 1e-3),
          Rule.J4,
          Shown.of(request),
          "among five others the score that it has alone, " + alone,
          among);
    }
  }

  @Test
  public void J5_anEmptyResponseIsGraded() {
    JudgementRequest empty = new JudgementRequest("empty", "Say.", "", List.of(1L));
    judge(judge, List.of(empty), Rule.J5);
  }

  @Test
  public void J6_cancellationEndsTheCall() {
    Cancellation before = new Cancellation();
    before.cancel();
    thrown(
        Rule.J6,
        "two requests, cancelled before the call",
        CancelledException.class,
        () -> judge.judge(requests(2), j -> {}, before));
    Cancellation within = new Cancellation();
    thrown(
        Rule.J6,
        MANY + " requests, cancelled with the first result",
        CancelledException.class,
        () -> judge.judge(requests(MANY), j -> within.cancel(), within));
    judge(requests(1));
  }

  @Test
  public void J7_equalIdsAreRefusedBeforeAnything() {
    List<JudgementRequest> twice = new ArrayList<>(requests(3));
    twice.add(requests(1).get(0));
    List<Judgement> found = new ArrayList<>();
    String request = "the ids j0, j1, j2, j0";
    InvalidInputException refused =
        thrown(
            Rule.J7,
            request,
            InvalidInputException.class,
            () -> judge.judge(twice, found::add, new Cancellation()));
    check(
        refused.getMessage().contains("j0"),
        Rule.J7,
        request,
        "a message that names 'j0'",
        refused.getMessage());
    check(found.isEmpty(), Rule.J7, request, "no result", found.size() + " results");
  }
}
