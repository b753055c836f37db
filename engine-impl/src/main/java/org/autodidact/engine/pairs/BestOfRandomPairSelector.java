package org.autodidact.engine.pairs;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;
import org.autodidact.engine.seeds.Seeds;

/**
 * {@code best-of-random}: the highest score against any lower one, chosen at random by the seed and
 * the prompt's id (as UltraFeedback was binarized for Zephyr, Tunstall et al., 2023). The rejected
 * answers are then as the model usually writes, not its worst.
 */
final class BestOfRandomPairSelector implements PairSelector {
  private final long seed;

  BestOfRandomPairSelector(long seed) {
    this.seed = seed;
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    List<JudgedCandidate> scored = ScoredCandidates.of(request.candidates());
    Optional<JudgedCandidate> best = ScoredCandidates.highest(scored);
    List<JudgedCandidate> lower =
        best.map(b -> ScoredCandidates.below(b, scored)).orElse(List.of());
    if (lower.isEmpty()) {
      return Optional.empty();
    }
    Random random = new Random(Seeds.of(seed, request.prompt().id().hashCode()));
    return ScoredCandidates.pair(
        request.prompt(), best, Optional.of(lower.get(random.nextInt(lower.size()))));
  }
}
