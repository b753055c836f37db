package org.autodidact.engine.pairs;

import java.util.List;
import java.util.function.Function;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider;

/** The selectors that the engine brings, by name. */
public final class Selectors {
  private Selectors() {}

  public static List<PairSelectorProvider> providers() {
    return List.of(
        provider("max-min", s -> new MaxMinPairSelector()),
        provider("margin", s -> new MarginPairSelector(s.margin())),
        provider("best-of-random", s -> new BestOfRandomPairSelector(s.seed())),
        provider("length-controlled", s -> new LengthControlledPairSelector(s.tier())),
        provider("anchored", s -> new AnchoredPairSelector(false)),
        provider("temporal", s -> new AnchoredPairSelector(true)),
        provider("consistency-weighted", s -> new ConsistencyWeightedPairSelector()));
  }

  private static PairSelectorProvider provider(
      String name, Function<PairSelectorProvider.SelectorSettings, PairSelector> create) {
    return new PairSelectorProvider() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public PairSelector create(SelectorSettings settings) {
        return create.apply(settings);
      }
    };
  }
}
