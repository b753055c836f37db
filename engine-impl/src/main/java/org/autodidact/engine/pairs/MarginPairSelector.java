package org.autodidact.engine.pairs;

import java.util.Optional;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;

/**
 * {@code margin}: as {@code max-min}, where the scores lie at least so far apart. A judge that is
 * unsure gives scores that are near each other.
 */
final class MarginPairSelector implements PairSelector {
  private final double margin;

  MarginPairSelector(double margin) {
    this.margin = margin;
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    return new MaxMinPairSelector()
        .select(request)
        .filter(
            p ->
                ScoredCandidates.score(p.chosen()) - ScoredCandidates.score(p.rejected())
                    >= margin);
  }
}
