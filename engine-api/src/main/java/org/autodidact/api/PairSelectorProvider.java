package org.autodidact.api;

import java.util.function.Function;

/** Creates pair selectors; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface PairSelectorProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  PairSelector create(SelectorSettings settings);

  /** A provider whose selectors a function creates. */
  static PairSelectorProvider of(String name, Function<SelectorSettings, PairSelector> create) {
    record Named(String name, Function<SelectorSettings, PairSelector> function)
        implements PairSelectorProvider {
      @Override
      public PairSelector create(SelectorSettings argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, create);
  }

  /**
   * Settings of a selector; each says which it uses.
   *
   * @param margin points that a chosen score must lie above the rejected one, 0 or more
   * @param tier share of the range of scores, from each end, that counts as equally good or bad; in
   *     [0, 0.5)
   * @param seed random choices depend on it and the id of the prompt
   */
  record SelectorSettings(double margin, double tier, long seed) {
    /** Margin 1, tier 0.1, seed 1. */
    public static final SelectorSettings DEFAULT = new SelectorSettings(1, 0.1, 1);

    public SelectorSettings {
      if (!(margin >= 0 && margin < 1e6)) {
        throw new InvalidInputException("selector.margin must be 0 or more, found " + margin);
      }
      if (!(tier >= 0 && tier < 0.5)) {
        throw new InvalidInputException("selector.tier must be in [0, 0.5), found " + tier);
      }
    }
  }
}
