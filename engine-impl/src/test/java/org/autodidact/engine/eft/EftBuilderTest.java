package org.autodidact.engine.eft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Prompt;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.data.RankedInstruction.Answer;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.evaluation.JudgedInstruction;
import org.junit.jupiter.api.Test;

class EftBuilderTest {
  private static RankedInstruction ranked(String instruction, double... qualities) {
    return new RankedInstruction(
        instruction,
        IntStream.range(0, qualities.length)
            .mapToObj(k -> new Answer("answer " + k, qualities[k]))
            .toList());
  }

  /** Says what {@code scores} has for the answer's number and the draw; NaN is no score. */
  private static Judge judge(double[][] scores, String text) {
    return new Judge() {
      @Override
      public void judge(List<JudgementRequest> requests, Consumer<Judgement> to, Cancellation c) {
        for (JudgementRequest r : requests) {
          double[] drawn = scores[Integer.parseInt(r.response().substring(7))];
          List<JudgementSample> samples = new ArrayList<>();
          for (int d = 0; d < r.seeds().size(); d++) {
            samples.add(
                new JudgementSample(
                    Double.isNaN(drawn[d]) ? OptionalDouble.empty() : OptionalDouble.of(drawn[d]),
                    text.isEmpty() ? "" : text + d));
          }
          to.accept(Judgement.of(r.id(), samples));
        }
      }

      @Override
      public void close() {}
    };
  }

  private static List<EftExample> build(double[][] scores, String text) {
    return EftBuilder.fromJudge(
        List.of(ranked("x", 0.9, 0.5, 0.5)),
        judge(scores, text),
        scores[0].length,
        1,
        new Cancellation());
  }

  @Test
  void theFirstDrawThatAgreesWithTheRankingIsKept() {
    double none = Double.NaN;
    // draw 0 is the wrong way round, 1 lacks a score, 2 says nothing, 3 agrees, 4 does too
    double[][] scores = {{2, 5, 3, 4, 5}, {3, none, 3, 4, 1}, {1, 2, 3, 2, 1}};
    List<EftExample> kept = build(scores, "so ");
    assertThat(kept).extracting(EftExample::judgement).containsOnly("so 3");
    assertThat(kept).extracting(EftExample::score).containsExactly(4.0, 4.0, 2.0);
    assertThat(build(scores, "")).as("nothing was written to learn from").isEmpty();
    assertThat(build(new double[][] {{1}, {2}, {1}}, "so ")).isEmpty();
  }

  /** Against the metrics, which count a pair in the wrong order otherwise. */
  @Test
  void agreementIsThatNoPairIsWrong() {
    Random random = new Random(3);
    for (int n = 0; n < 500; n++) {
      RankedInstruction one =
          ranked("x", IntStream.range(0, 4).mapToDouble(k -> random.nextInt(3)).toArray());
      List<Judgement> judgements =
          one.answers().stream()
              .map(
                  a ->
                      Judgement.of(
                          a.text(),
                          List.of(new JudgementSample(OptionalDouble.of(random.nextInt(3)), ""))))
              .toList();
      double right =
          JudgeMetrics.of(List.of(new JudgedInstruction(one, judgements)), Judge.Scale.FIVE_POINTS)
              .get("pairwise_accuracy_no_ties");
      assertThat(
              EftBuilder.agree(one.answers(), judgements.stream().map(Judgement::score).toList()))
          .isEqualTo(right == 1);
    }
  }

  @Test
  void aRankingBecomesScoresFromOneToFive() {
    assertThat(EftBuilder.fromRanking(List.of(ranked("x", 0.1, 0.5, 0.2, 0.9, 0.3))))
        .extracting(EftExample::judgement)
        .containsExactly("Score: 1", "Score: 4", "Score: 2", "Score: 5", "Score: 3");
    assertThat(EftBuilder.fromRanking(List.of(ranked("x", 1, 0), ranked("x", 2, 2, 2))))
        .extracting(EftExample::score)
        .containsExactly(5.0, 1.0, 3.0, 3.0, 3.0);
  }

  @Test
  void theMostCommonScoreIsNoCommonerThanTheNext() {
    List<EftExample> examples =
        Stream.of(4, 1, 4, 4, 2, 4, 2, 4)
            .map(s -> new EftExample("x", "y", "Score: " + s, (double) s))
            .toList();
    List<EftExample> balanced = EftBuilder.balanced(examples, 1);
    assertThat(EftBuilder.counts(balanced)).isEqualTo(Map.of(1.0, 1, 2.0, 2, 4.0, 2));
    assertThat(EftBuilder.balanced(balanced, 1)).isEqualTo(balanced);
    assertThat(EftBuilder.balanced(examples.subList(2, 4), 1)).hasSize(2);
  }

  @Test
  void nothingTrainedOnIsLikeWhatIsHeldOutOrExcluded() {
    List<RankedInstruction> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      all.add(
          ranked("instruction w" + i / 2 + " about v" + i / 2 + (i % 2 == 0 ? "" : " now"), 1, 0));
    }
    EftSplit split =
        EftSplit.of(all, 0.25, List.of(Prompt.of("e", "instruction w3 about v3")), 0.7, 1);
    assertThat(split.heldOut()).hasSize(10);
    assertThat(split.train().size() + split.left()).isEqualTo(30);
    assertThat(split.train())
        .extracting(RankedInstruction::instruction)
        .noneMatch(
            t ->
                t.contains("w3 ")
                    || split.heldOut().stream()
                        .anyMatch(
                            h -> h.instruction().startsWith(t) || t.startsWith(h.instruction())));
    assertThat(EftSplit.of(all, 0, List.of(), 0.7, 1).train()).hasSize(40);
    assertThatThrownBy(() -> EftSplit.of(all, 1, List.of(), 0.7, 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("[0, 1)");
  }
}
