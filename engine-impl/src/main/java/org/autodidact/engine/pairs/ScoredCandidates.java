package org.autodidact.engine.pairs;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;

/** Helpers of the selectors: the candidates that have a score, and rules S2 and S6. */
final class ScoredCandidates {
  private ScoredCandidates() {}

  /** Those with a score, in their order. */
  static List<JudgedCandidate> of(List<JudgedCandidate> candidates) {
    return candidates.stream().filter(c -> c.judgement().score().isPresent()).toList();
  }

  static double score(JudgedCandidate candidate) {
    return candidate.judgement().score().orElseThrow();
  }

  /** The first of the highest. */
  static Optional<JudgedCandidate> highest(List<JudgedCandidate> scored) {
    return scored.stream().reduce((a, b) -> score(b) > score(a) ? b : a);
  }

  /** The first of the lowest. */
  static Optional<JudgedCandidate> lowest(List<JudgedCandidate> scored) {
    return scored.stream().reduce((a, b) -> score(b) < score(a) ? b : a);
  }

  /** Those that {@code chosen} may be preferred to: a lower score and another text. */
  static List<JudgedCandidate> below(JudgedCandidate chosen, List<JudgedCandidate> scored) {
    List<JudgedCandidate> below = new ArrayList<>();
    for (JudgedCandidate candidate : scored) {
      if (mayPair(chosen, candidate)) {
        below.add(candidate);
      }
    }
    return below;
  }

  private static boolean mayPair(JudgedCandidate chosen, JudgedCandidate rejected) {
    return score(chosen) > score(rejected)
        && !chosen.candidate().text().equals(rejected.candidate().text());
  }

  /** The pair, where one score is higher and the texts differ. */
  static Optional<PreferencePair> pair(
      Prompt prompt, Optional<JudgedCandidate> chosen, Optional<JudgedCandidate> rejected) {
    return chosen.isPresent() && rejected.isPresent() && mayPair(chosen.get(), rejected.get())
        ? Optional.of(new PreferencePair(prompt, chosen.get(), rejected.get()))
        : Optional.empty();
  }
}
