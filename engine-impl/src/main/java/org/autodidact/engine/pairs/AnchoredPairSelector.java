package org.autodidact.engine.pairs;

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
 */
final class AnchoredPairSelector implements PairSelector {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.PAST_CANDIDATES);
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    List<JudgedCandidate> own = Scored.of(request.candidates());
    List<JudgedCandidate> past = Scored.of(request.past());
    return Scored.pair(request.prompt(), Scored.highest(own), Scored.lowest(past));
  }
}
