package org.example.gap;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;
import org.autodidact.api.Setting;

public final class GapPlugin implements Plugin {
  @Override
  public String name() {
    return "gap";
  }

  @Override
  public List<PairSelectorProvider> pairSelectors() {
    return List.of(PairSelectorProvider.of("gap", Gap.class, s -> s.options().read(Gap.class)));
  }

  /** The selector: its components are its options. */
  public record Gap(
      @Setting(value = "points at least", range = "(0, 100]", byDefault = "1") double points,
      @Setting(value = "how much longer", range = "[1, 99]", byDefault = "2") double ratio)
      implements PairSelector {
    @Override
    public Optional<PreferencePair> select(SelectionRequest all) {
      return all.candidates().stream()
          .flatMap(a -> all.candidates().stream().map(b -> new PreferencePair(all.prompt(), a, b)))
          .filter(p -> gap(p) >= points && ratio(p) <= ratio) // never where one has no score
          .max(Comparator.comparingDouble(Gap::gap));
    }

    private static double gap(PreferencePair pair) {
      return score(pair.chosen()) - score(pair.rejected());
    }

    private static double score(JudgedCandidate judged) {
      return judged.judgement().score().orElse(Double.NaN);
    }

    private static double ratio(PreferencePair pair) {
      String chosen = pair.chosen().candidate().text();
      String rejected = pair.rejected().candidate().text();
      double ratio = (1.0 + chosen.length()) / (1 + rejected.length());
      return chosen.equals(rejected) ? Double.NaN : Math.max(ratio, 1 / ratio);
    }
  }
}
