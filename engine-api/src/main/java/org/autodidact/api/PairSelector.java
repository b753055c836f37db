package org.autodidact.api;

import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Selects a preference pair from the judged candidates of a prompt. Stateless and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface PairSelector {

  /**
   * Selects the pair of one prompt.
   *
   * <ul>
   *   <li>S1: chosen and rejected are among the request's candidates, past and future ones
   *       included, and not the same one.
   *   <li>S2: the chosen one's score is higher than the rejected one's.
   *   <li>S3: a candidate without a score is never selected.
   *   <li>S4: fewer than two scored candidates, or none higher than another, make no pair.
   *   <li>S5: equal arguments give equal results, whatever was asked before.
   *   <li>S6: the pair's texts differ.
   *   <li>S7: past and future candidates and earlier scores have no effect unless {@link #needs()}
   *       names them.
   * </ul>
   */
  Optional<PreferencePair> select(SelectionRequest request);

  /** What the selector needs beside the iterate's own candidates; each need costs time. */
  default Set<Need> needs() {
    return Set.of();
  }

  /** Something that costs another pass of a model. */
  enum Need {
    /** {@link SelectionRequest#past()}. */
    PAST_CANDIDATES,
    /**
     * {@link SelectionRequest#future()}. The selector is then asked twice: without them, for the
     * pairs that the future iterate is trained on, and with them.
     */
    FUTURE_CANDIDATES,
    /** {@link SelectionRequest#earlierScores()}. */
    EARLIER_SCORES
  }
}
