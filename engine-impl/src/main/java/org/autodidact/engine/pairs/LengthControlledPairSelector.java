package org.autodidact.engine.pairs;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;

/**
 * {@code length-controlled}: the shortest of the best against the longest of the worst
 * (Meta-Rewarding, Wu et al., 2024). With tier ρ the best are those that score at least (1 − ρ) max
 * + ρ min, the worst those at most (1 − ρ) min + ρ max. Length is counted in tokens.
 */
final class LengthControlledPairSelector implements PairSelector {
  private final double tier;

  LengthControlledPairSelector(double tier) {
    this.tier = tier;
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    List<JudgedCandidate> scored = ScoredCandidates.of(request.candidates());
    if (scored.isEmpty()) {
      return Optional.empty();
    }
    double max = ScoredCandidates.score(ScoredCandidates.highest(scored).orElseThrow());
    double min = ScoredCandidates.score(ScoredCandidates.lowest(scored).orElseThrow());
    double good = max - tier * (max - min);
    double bad = min + tier * (max - min);
    // A generator over HTTP may not count tokens: then characters stand for them.
    boolean counted = scored.stream().allMatch(c -> c.candidate().tokenCount().isPresent());
    Comparator<JudgedCandidate> byLength =
        Comparator.comparingInt(
            c -> counted ? c.candidate().tokenCount().getAsInt() : c.candidate().text().length());
    return ScoredCandidates.pair(
        request.prompt(),
        scored.stream().filter(c -> ScoredCandidates.score(c) >= good).min(byLength),
        scored.stream().filter(c -> ScoredCandidates.score(c) <= bad).min(byLength.reversed()));
  }
}
