package org.autodidact.engine.pairs;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;

/**
 * {@code anchored}: the best of the iterate's own candidates against the worst of an earlier
 * iterate's, both judged by this one (Temporal Self-Rewarding, Wang et al., 2025: anchored
 * rejection). The rejected side stays as bad as it was while the chosen side gets better.
 *
 * <p>{@code temporal}: the whole of that method. The chosen side is the best of the iterate's own
 * candidates and of those of a future iterate, which learns from the pairs of {@code anchored}
 * (future-guided choice).
 */
final class AnchoredPairSelector implements PairSelector {
  private final boolean futureGuided;

  AnchoredPairSelector(boolean futureGuided) {
    this.futureGuided = futureGuided;
  }

  @Override
  public Set<Need> needs() {
    return futureGuided
        ? Set.of(Need.PAST_CANDIDATES, Need.FUTURE_CANDIDATES)
        : Set.of(Need.PAST_CANDIDATES);
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    List<JudgedCandidate> choice = new ArrayList<>(request.candidates());
    if (futureGuided) {
      choice.addAll(request.future());
    }
    return ScoredCandidates.pair(
        request.prompt(),
        ScoredCandidates.highest(ScoredCandidates.of(choice)),
        ScoredCandidates.lowest(ScoredCandidates.of(request.past())));
  }
}
