package org.autodidact.engine.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.data.RankedInstruction.Answer;
import org.junit.jupiter.api.Test;

/** Against scipy and plain Python: src/test/python/judge_metrics.py made the numbers. */
class JudgeMetricsTest {
  @Test
  void everyMetricIsWhatScipySays() throws Exception {
    JsonNode cases;
    try (InputStream in = JudgeMetricsTest.class.getResourceAsStream("judge_metrics.json")) {
      cases = new JsonMapper().readTree(in);
    }
    assertThat(cases).hasSize(3);
    for (JsonNode one : cases) {
      List<JudgedInstruction> judged = new ArrayList<>();
      one.path("data").forEach(row -> judged.add(read(row)));
      Map<String, Double> found = JudgeMetrics.of(judged, Scale.FIVE_POINTS);
      for (Map.Entry<String, JsonNode> expected : one.path("metrics").properties()) {
        String name = expected.getKey();
        if (expected.getValue().isNull()) {
          assertThat(found.get(name)).as(name).isNaN();
        } else {
          assertThat(found.get(name))
              .as(name)
              .isCloseTo(expected.getValue().asDouble(), within(1e-9));
        }
      }
      assertThat(found.get("pairwise_accuracy"))
          .isBetween(found.get("pairwise_low"), found.get("pairwise_high"));
    }
  }

  private static JudgedInstruction read(JsonNode row) {
    List<Answer> answers = new ArrayList<>();
    List<Judgement> judgements = new ArrayList<>();
    for (JsonNode a : row) {
      // a letter beyond the basic plane is one code point and two chars
      answers.add(
          new Answer(
              "\uD835\uDC00".repeat(a.path("length").asInt()), a.path("quality").asDouble()));
      List<JudgementSample> samples = new ArrayList<>();
      for (JsonNode s : a.path("samples")) {
        JsonNode score = s.path("score");
        samples.add(
            new JudgementSample(
                score.isNull() ? OptionalDouble.empty() : OptionalDouble.of(score.asDouble()),
                "",
                Position.valueOf(s.path("shown").asText())));
      }
      judgements.add(Judgement.of("", samples));
    }
    return new JudgedInstruction(new RankedInstruction("", answers), judgements);
  }

  private static JudgedInstruction of(List<Integer> qualities, List<Double> scores) {
    List<Judgement> judgements =
        scores.stream()
            .map(s -> Judgement.of("", List.of(new JudgementSample(OptionalDouble.of(s), ""))))
            .toList();
    return new JudgedInstruction(
        new RankedInstruction("", qualities.stream().map(q -> new Answer("", q)).toList()),
        judgements);
  }

  @Property
  void aJudgeThatKnowsTheRankingIsPerfectAndItsOppositeIsNot(
      @ForAll @Size(min = 2, max = 6) List<@IntRange(min = 0, max = 4) Integer> qualities) {
    Map<String, Double> right =
        JudgeMetrics.of(
            List.of(of(qualities, qualities.stream().map(q -> 1.0 * q).toList())),
            Scale.FIVE_POINTS);
    Map<String, Double> wrong =
        JudgeMetrics.of(
            List.of(of(qualities, qualities.stream().map(q -> 4.0 - q).toList())),
            Scale.FIVE_POINTS);
    if (qualities.stream().distinct().count() > 1) {
      assertThat(right.get("pairwise_accuracy")).isEqualTo(1);
      assertThat(right.get("spearman")).isCloseTo(1, within(1e-12));
      assertThat(right.get("exact_match")).isEqualTo(1);
      assertThat(wrong.get("pairwise_accuracy")).isZero();
      assertThat(wrong.get("kendall")).isCloseTo(-1, within(1e-12));
    } else {
      assertThat(right.get("pairs")).isZero();
      assertThat(right.get("pairwise_accuracy")).isNaN();
    }
  }

  @Test
  void nothingJudgedIsNotANumberRatherThanAnError() {
    assertThat(JudgeMetrics.of(List.of(), Scale.FIVE_POINTS).get("spearman")).isNaN();
  }
}
