package org.autodidact.api;

import java.util.Objects;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Creates pair selectors; found by name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface PairSelectorProvider extends PartProvider {
  /**
   * Creates a selector.
   *
   * @throws InvalidInputException where a setting or an option cannot be used
   */
  PairSelector create(SelectorSettings settings);

  /** A provider whose selectors a function creates, without options. */
  static PairSelectorProvider of(String name, Function<SelectorSettings, PairSelector> create) {
    return of(name, PartOptions.None.class, create);
  }

  /** A provider whose selectors a function creates. */
  static PairSelectorProvider of(
      String name,
      Class<? extends Record> optionsType,
      Function<SelectorSettings, PairSelector> create) {
    record Named(
        String name,
        Class<? extends Record> optionsType,
        Function<SelectorSettings, PairSelector> function)
        implements PairSelectorProvider {
      @Override
      public PairSelector create(SelectorSettings argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, optionsType, create);
  }

  /**
   * Settings of a selector; each says which it uses.
   *
   * @param margin points that a chosen score must lie above the rejected one, 0 or more
   * @param tier share of the range of scores, from each end, that counts as equally good or bad; in
   *     [0, 0.5)
   * @param seed random choices depend on it and the id of the prompt
   * @param options the options that the configuration gives the selector
   */
  record SelectorSettings(double margin, double tier, long seed, PartOptions options) {
    /** Margin 1, tier 0.1, seed 1. */
    public static final SelectorSettings DEFAULT = new SelectorSettings(1, 0.1, 1);

    /** Settings without options. */
    public SelectorSettings(double margin, double tier, long seed) {
      this(margin, tier, seed, PartOptions.none());
    }

    public SelectorSettings {
      Objects.requireNonNull(options, "options");
      if (!(margin >= 0 && margin < 1e6)) {
        throw new InvalidInputException("selector.margin must be 0 or more, found " + margin);
      }
      if (!(tier >= 0 && tier < 0.5)) {
        throw new InvalidInputException("selector.tier must be in [0, 0.5), found " + tier);
      }
    }
  }
}
