package org.autodidact.engine.pairs;

import java.util.List;
import java.util.Optional;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;

/**
 * {@code max-min}: the highest score against the lowest (paper, section 2.3). Equal scores make no
 * pair; among equals the first candidate is taken.
 */
final class MaxMinPairSelector implements PairSelector {
  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    List<JudgedCandidate> scored = ScoredCandidates.of(request.candidates());
    return ScoredCandidates.pair(
        request.prompt(), ScoredCandidates.highest(scored), ScoredCandidates.lowest(scored));
  }
}
