package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.SelectionRequest;
import org.autodidact.engine.config.RunConfig.Candidates.Truncated;

/**
 * Keeps candidates that were cut off out of pairs, or out of their chosen side, whatever the
 * selector.
 */
final class TruncatedCandidates {
  private TruncatedCandidates() {}

  /**
   * The selector's pair. Where a cut candidate may not be chosen and the selector chooses one, it
   * is asked again without that one.
   */
  static Optional<PreferencePair> select(
      PairSelector selector, SelectionRequest request, Truncated truncated) {
    SelectionRequest left =
        truncated == Truncated.DROP ? without(request, TruncatedCandidates::isTruncated) : request;
    Optional<PreferencePair> pair = selector.select(left);
    while (truncated == Truncated.NEVER_CHOSEN
        && pair.isPresent()
        && isTruncated(pair.get().chosen())) {
      JudgedCandidate chosen = pair.get().chosen();
      left = without(left, chosen::equals);
      pair = selector.select(left);
    }
    return pair;
  }

  private static boolean isTruncated(JudgedCandidate candidate) {
    return candidate.candidate().finishReason().isTruncated();
  }

  private static SelectionRequest without(
      SelectionRequest request, Predicate<JudgedCandidate> left) {
    List<OptionalDouble> earlier = new ArrayList<>();
    for (int i = 0; i < request.earlierScores().size(); i++) {
      if (!left.test(request.candidates().get(i))) {
        earlier.add(request.earlierScores().get(i));
      }
    }
    return new SelectionRequest(
        request.prompt(),
        without(request.candidates(), left),
        without(request.past(), left),
        without(request.future(), left),
        earlier);
  }

  private static List<JudgedCandidate> without(
      List<JudgedCandidate> candidates, Predicate<JudgedCandidate> left) {
    return candidates.stream().filter(left.negate()).toList();
  }
}
