package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelector.Need;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.SelectionRequest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The rules of {@link PairSelector#select}, on 500 random requests each. A request has what the
 * selector {@linkplain PairSelector#needs() needs}, and no candidate is in two requests.
 */
public abstract class PairSelectorRules extends Rules {
  private static final Prompt PROMPT = Prompt.of("p", "Say.");
  private static final int REQUESTS = 500;
  private PairSelector selector;

  /** A selector to test. */
  protected abstract PairSelector create();

  @BeforeEach
  final void createSelector() {
    selector = create();
  }

  /** A candidate with this text and this score, if any. */
  protected static JudgedCandidate candidate(int index, String text, OptionalDouble score) {
    return new JudgedCandidate(
        new Candidate(index, text, List.of(index), -1, FinishReason.END_OF_TEXT),
        Judgement.of("p#" + index, List.of(new JudgementSample(score, ""))));
  }

  private static List<JudgedCandidate> list(Random random, int first) {
    List<JudgedCandidate> list = new ArrayList<>();
    int size = random.nextInt(7);
    for (int i = 0; i < size; i++) {
      OptionalDouble score =
          random.nextInt(4) == 0
              ? OptionalDouble.empty()
              : OptionalDouble.of(random.nextInt(4) + (random.nextInt(3) == 0 ? 0.5 : 0));
      list.add(candidate(first + i, "text " + random.nextInt(3), score));
    }
    return list;
  }

  /** Requests with past and future candidates and earlier scores, needed or not. */
  private static List<SelectionRequest> whole() {
    Random random = new Random(1);
    List<SelectionRequest> requests = new ArrayList<>();
    for (int n = 0; n < REQUESTS; n++) {
      List<JudgedCandidate> own = list(random, 1000 * n);
      requests.add(
          new SelectionRequest(
              PROMPT,
              own,
              list(random, 1000 * n + 100),
              list(random, 1000 * n + 200),
              own.stream().map(c -> OptionalDouble.of(random.nextInt(3))).toList()));
    }
    return requests;
  }

  /** A request without what the selector does not need, as a run asks. */
  private SelectionRequest needed(SelectionRequest whole) {
    return new SelectionRequest(
        whole.prompt(),
        whole.candidates(),
        selector.needs().contains(Need.PAST_CANDIDATES) ? whole.past() : List.of(),
        selector.needs().contains(Need.FUTURE_CANDIDATES) ? whole.future() : List.of(),
        selector.needs().contains(Need.EARLIER_SCORES) ? whole.earlierScores() : List.of());
  }

  private List<SelectionRequest> requests() {
    return whole().stream().map(this::needed).toList();
  }

  private static Optional<PreferencePair> select(PairSelector selector, SelectionRequest request) {
    List<Optional<PreferencePair>> pair = new ArrayList<>();
    call(Rule.S1, Shown.of(request), () -> pair.add(selector.select(request)));
    check(pair.get(0) != null, Rule.S1, Shown.of(request), "a pair or none", "null");
    return pair.get(0);
  }

  private Optional<PreferencePair> select(SelectionRequest request) {
    return select(selector, request);
  }

  private static String shown(PreferencePair pair) {
    return "chosen " + Shown.of(pair.chosen()) + ", rejected " + Shown.of(pair.rejected());
  }

  private static String pair(Optional<PreferencePair> pair) {
    return pair.map(PairSelectorRules::shown).orElse("no pair");
  }

  @Test
  public void S1_thePairIsTwoOfTheCandidates() {
    int pairs = 0;
    for (SelectionRequest request : requests()) {
      Optional<PreferencePair> pair = select(request);
      if (pair.isPresent()) {
        pairs++;
        List<JudgedCandidate> all =
            Stream.of(request.candidates(), request.past(), request.future())
                .flatMap(List::stream)
                .toList();
        check(
            all.contains(pair.get().chosen()) && all.contains(pair.get().rejected()),
            Rule.S1,
            Shown.of(request),
            "two of these candidates",
            shown(pair.get()));
        check(
            !pair.get().chosen().equals(pair.get().rejected()),
            Rule.S1,
            Shown.of(request),
            "two candidates",
            shown(pair.get()));
        check(
            pair.get().prompt().equals(PROMPT),
            Rule.S1,
            Shown.of(request),
            "a pair of this prompt",
            Shown.of(pair.get().prompt()));
      }
    }
    check(pairs > 0, Rule.S1, REQUESTS + " random requests", "some pairs", "none");
  }

  @Test
  public void S2_theChosenScoresHigher() {
    for (SelectionRequest request : requests()) {
      select(request)
          .ifPresent(
              pair ->
                  check(
                      pair.chosen().judgement().score().orElse(Double.MAX_VALUE)
                          > pair.rejected().judgement().score().orElse(-Double.MAX_VALUE),
                      Rule.S2,
                      Shown.of(request),
                      "a chosen one that scores higher",
                      shown(pair)));
    }
  }

  @Test
  public void S3_noScoreNoPlace() {
    for (SelectionRequest request : requests()) {
      select(request)
          .ifPresent(
              pair ->
                  check(
                      pair.chosen().judgement().score().isPresent()
                          && pair.rejected().judgement().score().isPresent(),
                      Rule.S3,
                      Shown.of(request),
                      "two candidates with a score",
                      shown(pair)));
    }
  }

  @Test
  public void S4_tiesMakeNoPair() {
    OptionalDouble three = OptionalDouble.of(3);
    JudgedCandidate a = candidate(1, "a", three);
    for (List<JudgedCandidate> own :
        List.of(
            List.<JudgedCandidate>of(),
            List.of(a),
            List.of(a, candidate(2, "b", three)),
            List.of(a, candidate(2, "b", OptionalDouble.empty())))) {
      SelectionRequest request =
          needed(
              new SelectionRequest(
                  PROMPT,
                  own,
                  List.of(candidate(3, "c", three)),
                  List.of(candidate(4, "d", three)),
                  own.stream().map(c -> three).toList()));
      Optional<PreferencePair> pair = select(request);
      check(pair.isEmpty(), Rule.S4, Shown.of(request), "no pair", pair(pair));
    }
  }

  @Test
  public void S5_itIsAFunction() {
    List<SelectionRequest> requests = requests();
    List<Optional<PreferencePair>> forward = requests.stream().map(this::select).toList();
    PairSelector other = create();
    for (int i = requests.size() - 1; i >= 0; i--) {
      Optional<PreferencePair> again = select(requests.get(i));
      Optional<PreferencePair> fresh = select(other, requests.get(i));
      check(
          again.equals(forward.get(i)),
          Rule.S5,
          Shown.of(requests.get(i)),
          "asked again what it said first: " + pair(forward.get(i)),
          pair(again));
      check(
          fresh.equals(forward.get(i)),
          Rule.S5,
          Shown.of(requests.get(i)),
          "of another selector with the same settings the same: " + pair(forward.get(i)),
          pair(fresh));
    }
  }

  @Test
  public void S6_theTextsDiffer() {
    for (SelectionRequest request : requests()) {
      select(request)
          .ifPresent(
              pair ->
                  check(
                      !pair.chosen().candidate().text().equals(pair.rejected().candidate().text()),
                      Rule.S6,
                      Shown.of(request),
                      "two texts",
                      shown(pair)));
    }
  }

  @Test
  public void S7_whatIsNotNeededHasNoEffect() {
    for (SelectionRequest whole : whole()) {
      Optional<PreferencePair> asRuns = select(needed(whole));
      Optional<PreferencePair> withAll = select(whole);
      check(
          withAll.equals(asRuns),
          Rule.S7,
          Shown.of(whole),
          "as it needs " + selector.needs() + ", the pair that it makes of these: " + pair(asRuns),
          pair(withAll));
    }
  }
}
