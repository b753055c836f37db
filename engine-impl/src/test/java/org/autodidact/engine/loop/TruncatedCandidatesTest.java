package org.autodidact.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider.SelectorSettings;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.SelectionRequest;
import org.autodidact.engine.config.RunConfig.Candidates.Truncated;
import org.autodidact.engine.plugins.Plugins;
import org.junit.jupiter.api.Test;

/** Candidates that were cut off, by any selector. */
class TruncatedCandidatesTest {
  private static final Prompt PROMPT = Prompt.of("p", "Say.");
  private static final List<String> SELECTORS =
      List.of(
          "max-min",
          "margin",
          "best-of-random",
          "length-controlled",
          "anchored",
          "temporal",
          "consistency-weighted");

  private static PairSelector selector(String name) {
    return Plugins.discover(List.of()).pairSelector(name).create(new SelectorSettings(1, 0.2, 7));
  }

  private static JudgedCandidate candidate(long seed, double score, FinishReason reason) {
    return new JudgedCandidate(
        new Candidate(seed, "text " + seed, List.of(1, 2), -1, reason),
        new Judgement("j" + seed, OptionalDouble.of(score), List.of()));
  }

  @Test
  void theBestThatEndedIsChosenAndACutOneMayBeRejected() {
    JudgedCandidate best = candidate(1, 5, FinishReason.MAX_TOKENS);
    JudgedCandidate good = candidate(2, 4, FinishReason.END_OF_TEXT);
    JudgedCandidate bad = candidate(3, 2, FinishReason.STOP_TEXT);
    JudgedCandidate worst = candidate(4, 1, FinishReason.CONTEXT_FULL);
    SelectionRequest request = new SelectionRequest(PROMPT, List.of(best, good, bad, worst));
    PairSelector maxMin = selector("max-min");
    assertThat(TruncatedCandidates.select(maxMin, request, Truncated.KEEP))
        .contains(new PreferencePair(PROMPT, best, worst));
    assertThat(TruncatedCandidates.select(maxMin, request, Truncated.NEVER_CHOSEN))
        .contains(new PreferencePair(PROMPT, good, worst));
    assertThat(TruncatedCandidates.select(maxMin, request, Truncated.DROP))
        .contains(new PreferencePair(PROMPT, good, bad));
  }

  @Property(tries = 200)
  void noSelectorGetsAroundIt(@ForAll long seed) {
    Random random = new Random(seed);
    List<JudgedCandidate> own = drawn(random, 0);
    List<OptionalDouble> earlier = new ArrayList<>();
    own.forEach(c -> earlier.add(OptionalDouble.of(random.nextInt(6))));
    SelectionRequest request =
        new SelectionRequest(PROMPT, own, drawn(random, 100), drawn(random, 200), earlier);
    for (String name : SELECTORS) {
      PairSelector selector = selector(name);
      assertThat(TruncatedCandidates.select(selector, request, Truncated.KEEP))
          .isEqualTo(selector.select(request));
      Optional<PreferencePair> never =
          TruncatedCandidates.select(selector, request, Truncated.NEVER_CHOSEN);
      assertThat(never.filter(p -> isTruncated(p.chosen()))).isEmpty();
      Optional<PreferencePair> dropped =
          TruncatedCandidates.select(selector, request, Truncated.DROP);
      assertThat(dropped.filter(p -> isTruncated(p.chosen()) || isTruncated(p.rejected())))
          .isEmpty();
    }
  }

  private static boolean isTruncated(JudgedCandidate c) {
    return c.candidate().finishReason().isTruncated();
  }

  private static List<JudgedCandidate> drawn(Random random, int first) {
    List<JudgedCandidate> drawn = new ArrayList<>();
    for (int i = 0; i < 1 + random.nextInt(5); i++) {
      drawn.add(
          candidate(
              first + i,
              random.nextInt(6),
              FinishReason.values()[random.nextInt(FinishReason.values().length)]));
    }
    return drawn;
  }
}
