package org.autodidact.engine.pairs;

import java.util.List;
import org.autodidact.api.PairSelectorProvider;

/** The selectors that the engine brings, by name. */
public final class Selectors {
  private Selectors() {}

  public static List<PairSelectorProvider> providers() {
    return List.of(
        PairSelectorProvider.of("max-min", s -> new MaxMinPairSelector()),
        PairSelectorProvider.of("margin", s -> new MarginPairSelector(s.margin())),
        PairSelectorProvider.of("best-of-random", s -> new BestOfRandomPairSelector(s.seed())),
        PairSelectorProvider.of(
            "length-controlled", s -> new LengthControlledPairSelector(s.tier())),
        PairSelectorProvider.of("anchored", s -> new AnchoredPairSelector(false)),
        PairSelectorProvider.of("temporal", s -> new AnchoredPairSelector(true)),
        PairSelectorProvider.of(
            "consistency-weighted", s -> new ConsistencyWeightedPairSelector()));
  }
}
