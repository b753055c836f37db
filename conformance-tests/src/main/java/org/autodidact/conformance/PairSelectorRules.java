package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.SelectionRequest;
import org.junit.jupiter.api.Test;

/** The rules of {@link PairSelector#select}, on 500 random lists of candidates each. */
public abstract class PairSelectorRules extends Rules {
  private static final Prompt PROMPT = Prompt.of("p", "Say.");

  /** A selector to test. */
  protected abstract PairSelector create();

  /** A candidate with this text and this score, if any. */
  protected static JudgedCandidate candidate(int index, String text, OptionalDouble score) {
    return new JudgedCandidate(
        new Candidate(index, text, List.of(index), -1, FinishReason.END_OF_TEXT),
        Judgement.of("p#" + index, List.of(new JudgementSample(score, ""))));
  }

  /**
   * The list as the iterate's own candidates, as a past and a future one's, and as scored by the
   * one before.
   */
  private static SelectionRequest request(List<JudgedCandidate> list) {
    return new SelectionRequest(
        PROMPT,
        list,
        list,
        list,
        list.stream().map(c -> OptionalDouble.of(c.candidate().text().hashCode() % 3)).toList());
  }

  private static List<List<JudgedCandidate>> lists() {
    Random random = new Random(1);
    List<List<JudgedCandidate>> lists = new ArrayList<>();
    for (int n = 0; n < 500; n++) {
      List<JudgedCandidate> list = new ArrayList<>();
      int size = random.nextInt(7);
      for (int i = 0; i < size; i++) {
        OptionalDouble score =
            random.nextInt(4) == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(random.nextInt(4) + (random.nextInt(3) == 0 ? 0.5 : 0));
        list.add(candidate(i, "text " + random.nextInt(3), score));
      }
      lists.add(list);
    }
    return lists;
  }

  /** Both come from the list and differ. */
  @Test
  public void S1_thePairIsTwoOfTheCandidates() {
    PairSelector selector = create();
    int pairs = 0;
    for (List<JudgedCandidate> list : lists()) {
      Optional<PreferencePair> pair = selector.select(request(list));
      if (pair.isPresent()) {
        pairs++;
        assertThat(list).contains(pair.get().chosen(), pair.get().rejected());
        assertThat(pair.get().chosen()).isNotEqualTo(pair.get().rejected());
        assertThat(pair.get().prompt()).isEqualTo(PROMPT);
      }
    }
    assertThat(pairs).as("pairs made of 500 lists").isPositive();
  }

  /** Chosen scores higher. */
  @Test
  public void S2_theChosenScoresHigher() {
    for (List<JudgedCandidate> list : lists()) {
      create()
          .select(request(list))
          .ifPresent(
              pair ->
                  assertThat(pair.chosen().judgement().score().orElse(Double.NEGATIVE_INFINITY))
                      .isGreaterThan(
                          pair.rejected().judgement().score().orElse(Double.NEGATIVE_INFINITY)));
    }
  }

  /** Whoever has no score is not in the pair. */
  @Test
  public void S3_noScoreNoPlace() {
    for (List<JudgedCandidate> list : lists()) {
      create()
          .select(request(list))
          .ifPresent(
              pair -> {
                assertThat(pair.chosen().judgement().score()).isPresent();
                assertThat(pair.rejected().judgement().score()).isPresent();
              });
    }
  }

  /** Ties and single candidates make no pair. */
  @Test
  public void S4_tiesMakeNoPair() {
    OptionalDouble three = OptionalDouble.of(3);
    JudgedCandidate a = candidate(1, "a", three);
    assertThat(create().select(request(List.of()))).isEmpty();
    assertThat(create().select(request(List.of(a)))).isEmpty();
    assertThat(create().select(request(List.of(a, candidate(2, "b", three))))).isEmpty();
    assertThat(create().select(request(List.of(a, candidate(2, "b", OptionalDouble.empty())))))
        .isEmpty();
  }

  /** Equal arguments, equal results. */
  @Test
  public void S5_itIsAFunction() {
    for (List<JudgedCandidate> list : lists()) {
      assertThat(create().select(request(list))).isEqualTo(create().select(request(list)));
    }
  }

  /** One text is not better than itself. */
  @Test
  public void S6_theTextsDiffer() {
    for (List<JudgedCandidate> list : lists()) {
      create()
          .select(request(list))
          .ifPresent(
              pair ->
                  assertThat(pair.chosen().candidate().text())
                      .isNotEqualTo(pair.rejected().candidate().text()));
    }
  }
}
