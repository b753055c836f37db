package org.autodidact.engine.pairs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.PairSelectorProvider.SelectorSettings;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.SelectionRequest;
import org.autodidact.conformance.PairSelectorRules;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SelectorsTest {
  private static final Prompt PROMPT = Prompt.of("p", "Say.");

  private static PairSelector selector(String name) {
    return selector(name, new SelectorSettings(1, 0.2, 7));
  }

  private static PairSelector selector(String name, SelectorSettings settings) {
    return Selectors.providers().stream()
        .filter(p -> p.name().equals(name))
        .map(p -> p.create(settings))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void namesAreAsDocumented() {
    assertThat(Selectors.providers())
        .extracting(PairSelectorProvider::name)
        .containsExactly(
            "max-min",
            "margin",
            "best-of-random",
            "length-controlled",
            "anchored",
            "temporal",
            "consistency-weighted");
  }

  @Nested
  class MaxMin extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("max-min");
    }
  }

  @Nested
  class Margin extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("margin");
    }
  }

  @Nested
  class BestOfRandom extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("best-of-random");
    }
  }

  @Nested
  class LengthControlled extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("length-controlled");
    }
  }

  @Nested
  class Anchored extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("anchored");
    }
  }

  @Nested
  class Temporal extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("temporal");
    }
  }

  @Nested
  class ConsistencyWeighted extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return selector("consistency-weighted");
    }
  }

  private static JudgedCandidate candidate(String text, double score, int tokens) {
    return new JudgedCandidate(
        new Candidate(1, text, Collections.nCopies(tokens, 3), -1, FinishReason.END_OF_TEXT),
        Judgement.of(text, List.of(new JudgementSample(OptionalDouble.of(score), ""))));
  }

  /** Candidates a, b, c, … with these scores; the i-th is i + 1 tokens long. */
  private static List<JudgedCandidate> candidates(List<Integer> scores) {
    List<JudgedCandidate> list = new ArrayList<>();
    for (int i = 0; i < scores.size(); i++) {
      list.add(candidate(Character.toString('a' + i), scores.get(i), i + 1));
    }
    return list;
  }

  private static SelectionRequest request(List<Integer> scores) {
    return new SelectionRequest(PROMPT, candidates(scores));
  }

  private static double difference(PreferencePair pair) {
    return ScoredCandidates.score(pair.chosen()) - ScoredCandidates.score(pair.rejected());
  }

  @Test
  void maxMinTakesTheFirstOfEquals() {
    PreferencePair pair = selector("max-min").select(request(List.of(2, 5, 1, 5, 1))).orElseThrow();
    assertThat(pair.chosen().candidate().text()).isEqualTo("b");
    assertThat(pair.rejected().candidate().text()).isEqualTo("c");
    assertThat(pair.weight()).isEqualTo(1);
  }

  @Property
  void aMarginOnlyTakesAway(
      @ForAll @Size(max = 6) List<@IntRange(min = 0, max = 5) Integer> scores,
      @ForAll @IntRange(min = 0, max = 6) int margin) {
    Optional<PreferencePair> all = selector("max-min").select(request(scores));
    Optional<PreferencePair> some =
        selector("margin", new SelectorSettings(margin, 0, 1)).select(request(scores));
    assertThat(some).isEqualTo(all.filter(p -> difference(p) >= margin));
  }

  @Property
  void bestOfRandomChoosesTheBestAndRejectsAnyBelow(
      @ForAll @Size(max = 6) List<@IntRange(min = 0, max = 5) Integer> scores, @ForAll long seed) {
    Optional<PreferencePair> pair =
        selector("best-of-random", new SelectorSettings(0, 0, seed)).select(request(scores));
    assertThat(pair.isPresent()).isEqualTo(scores.stream().distinct().count() > 1);
    pair.ifPresent(
        p ->
            assertThat(ScoredCandidates.score(p.chosen()))
                .isEqualTo(1.0 * Collections.max(scores)));
  }

  @Test
  void bestOfRandomRejectsEachOfTheOthersForSomePrompt() {
    List<JudgedCandidate> list = candidates(List.of(1, 5, 2, 3));
    List<String> rejected = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      rejected.add(
          selector("best-of-random")
              .select(new SelectionRequest(Prompt.of("p" + i, "Say."), list))
              .orElseThrow()
              .rejected()
              .candidate()
              .text());
    }
    assertThat(rejected).contains("a", "c", "d").doesNotContain("b");
  }

  @Property
  void lengthControlledStaysInTheTiersAndPrefersShort(
      @ForAll @Size(max = 7) List<@IntRange(min = 0, max = 20) Integer> scores) {
    Optional<PreferencePair> pair = selector("length-controlled").select(request(scores));
    assertThat(pair.isPresent()).isEqualTo(scores.stream().distinct().count() > 1);
    if (pair.isPresent()) {
      double max = Collections.max(scores);
      double min = Collections.min(scores);
      double good = max - 0.2 * (max - min);
      double bad = min + 0.2 * (max - min);
      for (JudgedCandidate c : candidates(scores)) {
        int length = c.candidate().tokens().size();
        if (ScoredCandidates.score(c) >= good) {
          assertThat(pair.get().chosen().candidate().tokens().size()).isLessThanOrEqualTo(length);
        }
        if (ScoredCandidates.score(c) <= bad) {
          assertThat(pair.get().rejected().candidate().tokens().size())
              .isGreaterThanOrEqualTo(length);
        }
      }
      assertThat(ScoredCandidates.score(pair.get().chosen())).isGreaterThanOrEqualTo(good);
      assertThat(ScoredCandidates.score(pair.get().rejected())).isLessThanOrEqualTo(bad);
    }
  }

  @Test
  void anchoredRejectsThePast() {
    SelectionRequest request =
        new SelectionRequest(
            PROMPT,
            List.of(candidate("now bad", 0, 1), candidate("now good", 4, 1)),
            List.of(candidate("then fair", 3, 1), candidate("then bad", 1, 1)),
            List.of(candidate("soon better", 5, 1)),
            List.of());
    PreferencePair pair = selector("anchored").select(request).orElseThrow();
    assertThat(pair.chosen().candidate().text()).isEqualTo("now good");
    assertThat(pair.rejected().candidate().text()).isEqualTo("then bad");
    assertThat(selector("anchored").select(request(List.of(1, 2)))).as("no past").isEmpty();
    assertThat(selector("anchored").needs()).containsExactly(PairSelector.Need.PAST_CANDIDATES);
  }

  private static SelectionRequest temporal(JudgedCandidate... future) {
    return new SelectionRequest(
        PROMPT,
        List.of(candidate("now bad", 0, 1), candidate("now good", 4, 1)),
        List.of(candidate("then fair", 3, 1), candidate("then bad", 1, 1)),
        List.of(future),
        List.of());
  }

  @Test
  void temporalChoosesTheFutureWhereItIsBetter() {
    PairSelector temporal = selector("temporal");
    PreferencePair pair =
        temporal
            .select(temporal(candidate("soon worst", -1, 1), candidate("soon better", 5, 1)))
            .orElseThrow();
    assertThat(pair.chosen().candidate().text()).isEqualTo("soon better");
    assertThat(pair.rejected().candidate().text()).isEqualTo("then bad");
    assertThat(temporal.select(temporal(candidate("soon as good", 4, 1))).orElseThrow().chosen())
        .as("as good is not better")
        .isEqualTo(candidate("now good", 4, 1));
    assertThat(temporal.select(temporal()))
        .as("what the future iterate learns from")
        .isEqualTo(selector("anchored").select(temporal()));
    assertThat(temporal.needs())
        .containsExactlyInAnyOrder(
            PairSelector.Need.PAST_CANDIDATES, PairSelector.Need.FUTURE_CANDIDATES);
  }

  private static double weight(List<Integer> scores, List<Integer> earlier) {
    return selector("consistency-weighted")
        .select(
            new SelectionRequest(
                PROMPT,
                candidates(scores),
                List.of(),
                List.of(),
                earlier.stream()
                    .map(e -> e < 0 ? OptionalDouble.empty() : OptionalDouble.of(e))
                    .toList()))
        .orElseThrow()
        .weight();
  }

  @Test
  void consistencyIsKendallsTauMappedToOne() {
    assertThat(weight(List.of(1, 2, 3, 4), List.of(1, 2, 3, 4))).isEqualTo(1);
    assertThat(weight(List.of(1, 2, 3, 4), List.of(4, 3, 2, 1))).isZero();
    // five of six pairs alike, one not: tau 2/3
    assertThat(weight(List.of(1, 2, 3, 4), List.of(2, 1, 3, 4)))
        .isCloseTo((2.0 / 3 + 1) / 2, within(1e-12));
    // a tie is neither: 5 alike, 1 tie
    assertThat(weight(List.of(1, 2, 3, 4), List.of(1, 1, 3, 4)))
        .isCloseTo((5.0 / 6 + 1) / 2, within(1e-12));
    assertThat(weight(List.of(1, 2), List.of(-1, 2))).as("nothing to compare").isEqualTo(1);
    assertThat(weight(List.of(1, 2), List.of())).isEqualTo(1);
  }

  @Property
  void aReversedOrderWeighsTheRest(
      @ForAll @Size(5) List<@IntRange(min = 0, max = 5) Integer> scores,
      @ForAll @Size(5) List<@IntRange(min = 0, max = 5) Integer> earlier) {
    if (scores.stream().distinct().count() > 1) {
      List<Integer> reversed = earlier.stream().map(e -> 5 - e).toList();
      assertThat(weight(scores, earlier)).isBetween(0.0, 1.0);
      assertThat(weight(scores, earlier) + weight(scores, reversed)).isCloseTo(1, within(1e-12));
    }
  }
}
