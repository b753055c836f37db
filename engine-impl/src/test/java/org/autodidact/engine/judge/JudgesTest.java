package org.autodidact.engine.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import org.autodidact.api.Judge;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.conformance.JudgeRules;
import org.autodidact.engine.FakePlugin;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JudgesTest {
  private static JudgeContext context() {
    return new JudgeContext(
        new FakePlugin(true).generator(), SamplingParameters.candidates(9), Optional.empty());
  }

  @Nested
  class AdditiveKeepsTheRules extends JudgeRules {
    @Override
    protected Judge open() {
      return AdditiveJudge.PROVIDER.open(context());
    }
  }

  @Test
  void expectedScoreNeedsAScorer() {
    assertThatThrownBy(() -> ExpectedScoreJudge.PROVIDER.open(context()))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("additive");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Good. Score: 4|4",
        "score : 3.5|3.5",
        "**Score:** 2|2",
        "Score: 1. No, Score: 5|5",
        "SCORE:0|0",
        "Score: 5/5|5",
        "Score: 6|",
        "Score: 42|",
        "Score: 4.4.4|",
        "Score: <total points>|",
        "four out of five|",
        "Score: -1|",
      })
  void scoresAreReadFromTheEnd(String text, Double score) {
    assertThat(ScoreText.parse(text, Scale.FIVE_POINTS))
        .isEqualTo(score == null ? OptionalDouble.empty() : OptionalDouble.of(score));
  }

  @Property
  void theExpectedScoreIsAMeanOverTheScale(
      @ForAll @Size(6) List<@DoubleRange(min = -800, max = 0) Double> logProbabilities) {
    double found = ExpectedScoreJudge.expected(logProbabilities);
    assertThat(found).isBetween(0.0, 5.0);
    List<Double> lower = logProbabilities.stream().map(p -> p - 3).toList();
    assertThat(ExpectedScoreJudge.expected(lower)).isCloseTo(found, within(1e-9));
  }

  @Test
  void theExpectedScoreByHand() {
    // p = (0, 0, 0, 1/4, 0, 3/4): 3/4 + 15/4 = 4.5
    List<Double> p = List.of(-1e9, -1e9, -1e9, Math.log(0.25) - 7, -1e9, Math.log(0.75) - 7);
    assertThat(ExpectedScoreJudge.expected(p)).isCloseTo(4.5, within(1e-12));
  }

  @Test
  void theTemplateIsFilledOnceAndNothingInTheTextsIsFilledAgain() {
    JudgeTemplate template = new JudgeTemplate("<{instruction}|{response}>");
    assertThat(template.fill("say {response}", "I say {instruction} $1 \\"))
        .isEqualTo("<say {response}|I say {instruction} $1 \\>");
    assertThatThrownBy(() -> new JudgeTemplate("{instruction} alone"))
        .hasMessageContaining("{response}");
    assertThat(JudgeTemplate.additive(Optional.empty()).text()).contains("Score: ");
  }
}
