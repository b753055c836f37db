package org.autodidact.engine.pairs;

import java.util.List;
import java.util.Optional;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;

/**
 * The highest score against the lowest (paper, section 2.3). Equal scores make no pair; among
 * equals the first candidate is taken.
 */
public final class MaxMinPairSelector implements PairSelector {
  /** Gives it by the name {@code max-min}. */
  public static final PairSelectorProvider PROVIDER =
      new PairSelectorProvider() {
        @Override
        public String name() {
          return "max-min";
        }

        @Override
        public PairSelector create() {
          return new MaxMinPairSelector();
        }
      };

  @Override
  public Optional<PreferencePair> select(Prompt prompt, List<JudgedCandidate> candidates) {
    List<JudgedCandidate> scored =
        candidates.stream().filter(c -> c.judgement().score().isPresent()).toList();
    if (scored.isEmpty()) {
      return Optional.empty();
    }
    JudgedCandidate highest = scored.get(0);
    JudgedCandidate lowest = scored.get(0);
    for (JudgedCandidate candidate : scored) {
      highest = score(candidate) > score(highest) ? candidate : highest;
      lowest = score(candidate) < score(lowest) ? candidate : lowest;
    }
    boolean differ =
        score(highest) > score(lowest)
            && !highest.candidate().text().equals(lowest.candidate().text());
    return differ ? Optional.of(new PreferencePair(prompt, highest, lowest)) : Optional.empty();
  }

  private static double score(JudgedCandidate candidate) {
    return candidate.judgement().score().orElseThrow();
  }
}
