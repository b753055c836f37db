package org.autodidact.engine.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Prompt;
import org.autodidact.engine.config.RunConfig.Limits;
import org.autodidact.engine.store.IterationStore;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriftLimitsTest {
  @TempDir Path folder;

  private static Candidate candidate(String text, int tokens, double logProbability) {
    return new Candidate(
        1, text, Collections.nCopies(tokens, 3), logProbability, FinishReason.END_OF_TEXT);
  }

  private static JudgementSample sample(double score) {
    return new JudgementSample(score < 0 ? OptionalDouble.empty() : OptionalDouble.of(score), "");
  }

  @Test
  void anIterateInNumbersByHand() {
    try (RunStore store = RunStore.open(folder.resolve("run"))) {
      store.iterations().addPrompts(1, List.of(Prompt.of("a", "x"), Prompt.of("b", "y")));
      store
          .iterations()
          .addCandidates(
              1,
              0,
              0,
              "M1",
              new Generation(
                  "a",
                  List.of(1),
                  List.of(candidate("one two three four", 4, -4), candidate("one two", 2, -4))));
      store
          .iterations()
          .addCandidates(
              1,
              0,
              2,
              "M0",
              new Generation(
                  "a", List.of(1), List.of(candidate("a past one does not count", 90, -1))));
      store
          .iterations()
          .addCandidates(
              1,
              1,
              0,
              "M1",
              new Generation(
                  "b", List.of(1), List.of(candidate("same", 1, -3), candidate("same", 1, -3))));
      double[][] scores = {{4, -1, 5}, {1, 1}, {3, -1}, {3, 3}};
      int[][] places = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
      for (int i = 0; i < places.length; i++) {
        List<JudgementSample> samples =
            java.util.Arrays.stream(scores[i]).mapToObj(DriftLimitsTest::sample).toList();
        store
            .iterations()
            .addJudgement(
                1,
                places[i][0],
                places[i][1],
                "j",
                "M1",
                Judgement.of("", samples),
                List.of(1L, 2L));
      }
      store
          .iterations()
          .addPairs(
              IterationStore.Learner.NEXT,
              1,
              List.of(new IterationStore.PairPositions(0, 0, 1, 0.25)),
              "pairs",
              1);
      Map<String, Double> found = IterateMetrics.of(store, 1);
      assertThat(found.get("mean-score")).isCloseTo((4.5 + 1 + 3 + 3) / 4, within(1e-12));
      assertThat(found.get("parse-failures")).isCloseTo(2.0 / 9, within(1e-12));
      assertThat(found.get("mean-tokens")).isCloseTo(2, within(1e-12));
      // F1 of 4 and 2 words with 2 in common: 2/3; of equal texts 1
      assertThat(found.get("self-similarity")).isCloseTo((2.0 / 3 + 1) / 2, within(1e-12));
      // 4.5 above 1, and -1 a token above -2
      assertThat(found.get("agreement")).isEqualTo(1);
      assertThat(found.get("chosen-tokens")).isEqualTo(4);
      assertThat(found.get("pair-weight")).isEqualTo(0.25);
      assertThat(found.get("pairs")).isEqualTo(1);
      assertThat(found).doesNotContainKey("position-bias");
    }
  }

  @Test
  void aLimitIsBeyondItOrNot() {
    DriftLimits guards =
        new DriftLimits(
            Map.of("mean-score", 2.0, "mean-tokens", 10.0),
            Map.of(
                "mean-score",
                3.5,
                "mean-tokens",
                25.0,
                "self-similarity",
                0.8,
                "agreement",
                0.4,
                "parse-failures",
                0.2,
                "named-scores",
                0.1));
    assertThat(guards.exceeded(limits(1.4, 2.4, 0.79, 0.41, 0.19, 0.09)))
        .extracting(line -> line.substring(0, line.indexOf(' ')))
        .containsExactly(
            "score-inflation",
            "length-growth",
            "self-similarity",
            "parse-failures",
            "named-scores",
            "agreement");
    assertThat(guards.exceeded(limits(1.5, 2.5, 0.8, 0.4, 0.2, 0.1))).isEmpty();
    Optional<Double> not = Optional.empty();
    Limits none = new Limits(not, not, not, not, not, not);
    assertThat(guards.exceeded(none)).isEmpty();
  }

  private static Limits limits(double... values) {
    return new Limits(
        Optional.of(values[0]),
        Optional.of(values[1]),
        Optional.of(values[2]),
        Optional.of(values[3]),
        Optional.of(values[4]),
        Optional.of(values[5]));
  }
}
