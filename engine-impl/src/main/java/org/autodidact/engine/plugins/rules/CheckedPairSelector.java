package org.autodidact.engine.plugins.rules;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.SelectionRequest;

/** A plugin's pair selector, held to the rules that can be seen from outside. */
public final class CheckedPairSelector implements PairSelector {
  private final String who;
  private final PairSelector selector;

  private CheckedPairSelector(String who, PairSelector selector) {
    this.who = who;
    this.selector = selector;
  }

  /** The provider, whose selectors are checked. */
  public static PairSelectorProvider provider(PairSelectorProvider provider) {
    String who = "the pair selector '" + provider.name() + "'";
    return PairSelectorProvider.of(
        provider.name(),
        provider.optionsType(),
        settings ->
            new CheckedPairSelector(
                who, PluginCalls.open(who, "S1", () -> provider.create(settings))));
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    Optional<PreferencePair> found = PluginCalls.call(who, () -> selector.select(request));
    if (found == null) {
      throw broken(request, "S1", "it returned null, not an empty Optional");
    }
    found.ifPresent(pair -> check(request, pair));
    return found;
  }

  private void check(SelectionRequest request, PreferencePair pair) {
    List<JudgedCandidate> offered =
        Stream.of(request.candidates(), request.past(), request.future())
            .flatMap(List::stream)
            .toList();
    if (!pair.prompt().equals(request.prompt())
        || !offered.contains(pair.chosen())
        || !offered.contains(pair.rejected())
        || pair.chosen().equals(pair.rejected())) {
      throw broken(request, "S1", "its pair is not of two of the candidates of its request");
    }
    OptionalDouble chosen = pair.chosen().judgement().score();
    OptionalDouble rejected = pair.rejected().judgement().score();
    if (chosen.isEmpty() || rejected.isEmpty()) {
      throw broken(request, "S3", "it selected a candidate without a score");
    }
    if (!(chosen.getAsDouble() > rejected.getAsDouble())) {
      throw broken(
          request,
          "S2",
          "it chose an answer with the score "
              + chosen.getAsDouble()
              + " and rejected one with "
              + rejected.getAsDouble());
    }
    if (pair.chosen().candidate().text().equals(pair.rejected().candidate().text())) {
      throw broken(request, "S6", "the texts of its pair are the same");
    }
  }

  private RuleBrokenException broken(SelectionRequest request, String rule, String found) {
    return new RuleBrokenException(who, rule, "of '" + request.prompt().id() + "' " + found);
  }

  @Override
  public Set<Need> needs() {
    return selector.needs();
  }
}
