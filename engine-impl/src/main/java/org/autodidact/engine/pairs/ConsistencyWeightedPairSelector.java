package org.autodidact.engine.pairs;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;

/**
 * {@code consistency-weighted}: the pair of {@code max-min}, weighted by how far the iterate before
 * orders the candidates in the same way: (τ + 1) / 2 with Kendall's τ over the pairs of candidates
 * that both have scored, a tie on either side counting as neither (CREAM, Wang et al., 2024, there
 * with likelihoods as scores). 1 where nothing can be compared.
 */
final class ConsistencyWeightedPairSelector implements PairSelector {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.EARLIER_SCORES);
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    return new MaxMinPairSelector()
        .select(request)
        .map(p -> new PreferencePair(p.prompt(), p.chosen(), p.rejected(), weight(request)));
  }

  private static double weight(SelectionRequest request) {
    List<OptionalDouble> now =
        request.candidates().stream().map(c -> c.judgement().score()).toList();
    List<OptionalDouble> before = request.earlierScores();
    int concordant = 0;
    int pairs = 0;
    for (int i = 0; i < before.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (now.get(i).isPresent()
            && now.get(j).isPresent()
            && before.get(i).isPresent()
            && before.get(j).isPresent()) {
          double a = now.get(i).getAsDouble() - now.get(j).getAsDouble();
          double b = before.get(i).getAsDouble() - before.get(j).getAsDouble();
          concordant += (int) (Math.signum(a) * Math.signum(b));
          pairs++;
        }
      }
    }
    return pairs == 0 ? 1 : (concordant / (double) pairs + 1) / 2;
  }
}
