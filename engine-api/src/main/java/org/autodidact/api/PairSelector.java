package org.autodidact.api;

import java.util.List;
import java.util.Optional;

/** Makes a preference pair of a prompt's judged candidates. Stateless and thread-safe. */
public interface PairSelector {

  /**
   * Selects the pair of one prompt.
   *
   * <ul>
   *   <li>S1: chosen and rejected are two of {@code candidates}, and not the same one.
   *   <li>S2: the chosen one's score is higher than the rejected one's.
   *   <li>S3: a candidate without a score is never selected.
   *   <li>S4: fewer than two scored candidates, or none higher than another, give no pair.
   *   <li>S5: equal arguments give equal results.
   *   <li>S6: the pair's texts differ.
   * </ul>
   */
  Optional<PreferencePair> select(Prompt prompt, List<JudgedCandidate> candidates);
}
