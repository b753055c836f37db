package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
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

  private static List<JudgementRequest> requests(int count) {
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

  private Map<String, Judgement> judge(List<JudgementRequest> requests) {
    Map<String, Judgement> found = new HashMap<>();
    Thread caller = Thread.currentThread();
    judge.judge(
        requests,
        j -> {
          assertThat(Thread.currentThread()).as("the calling thread").isSameAs(caller);
          assertThat(found.put(j.id(), j)).as("%s comes once", j.id()).isNull();
        },
        new Cancellation());
    return found;
  }

  /** One judgement a request. */
  @Test
  public void J1_oneJudgementForEachRequest() {
    assertThat(judge(requests(4))).containsOnlyKeys("j0", "j1", "j2", "j3");
    assertThat(judge(List.of())).isEmpty();
  }

  /** Scores lie on the scale. */
  @Test
  public void J2_scoresLieOnTheScale() {
    Judge.Scale scale = judge.scale();
    assertThat(scale.lowest()).isLessThan(scale.highest());
    for (Judgement judgement : judge(requests(6)).values()) {
      List<OptionalDouble> scores = new ArrayList<>(List.of(judgement.score()));
      judgement.samples().forEach(s -> scores.add(s.score()));
      for (OptionalDouble score : scores) {
        score.ifPresent(s -> assertThat(s).isBetween(scale.lowest(), scale.highest()));
      }
    }
  }

  /** The score is the samples' mean. */
  @Test
  public void J3_theScoreIsTheMeanOfTheSamplesThatHaveOne() {
    for (Judgement judgement : judge(requests(6)).values()) {
      OptionalDouble mean =
          judgement.samples().stream()
              .map(JudgementSample::score)
              .filter(OptionalDouble::isPresent)
              .mapToDouble(OptionalDouble::getAsDouble)
              .average();
      assertThat(judgement.score().isPresent()).isEqualTo(mean.isPresent());
      if (mean.isPresent()) {
        assertThat(judgement.score().getAsDouble()).isCloseTo(mean.getAsDouble(), within(1e-9));
      }
    }
  }

  /** A judgement is the same alone and among others. */
  @Test
  public void J4_aJudgementDoesNotDependOnTheOthers() {
    Map<String, Judgement> together = judge(requests(6));
    for (int i : new int[] {0, 5}) {
      Judgement alone = judge(List.of(requests(6).get(i))).get("j" + i);
      Judgement among = together.get("j" + i);
      assertThat(among.score().isPresent()).isEqualTo(alone.score().isPresent());
      among
          .score()
          .ifPresent(s -> assertThat(s).isCloseTo(alone.score().getAsDouble(), within(1e-3)));
    }
  }

  /** An empty answer is an answer. */
  @Test
  public void J5_anEmptyResponseIsGraded() {
    assertThat(judge(List.of(new JudgementRequest("empty", "Say.", "", List.of(1L)))))
        .containsOnlyKeys("empty");
  }

  /** Cancelled before it begins, the call ends so. */
  @Test
  public void J6_cancellationEndsTheCall() {
    Cancellation before = new Cancellation();
    before.cancel();
    assertThatThrownBy(() -> judge.judge(requests(2), j -> {}, before))
        .isInstanceOf(CancelledException.class);
    assertThat(judge(requests(1))).hasSize(1);
  }

  /** Ids are unique in a call. */
  @Test
  public void J7_equalIdsAreRefusedBeforeAnything() {
    List<JudgementRequest> twice = new ArrayList<>(requests(3));
    twice.add(requests(1).get(0));
    List<Judgement> found = new ArrayList<>();
    assertThatThrownBy(() -> judge.judge(twice, found::add, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("j0");
    assertThat(found).isEmpty();
  }
}
