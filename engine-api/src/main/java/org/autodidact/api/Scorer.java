package org.autodidact.api;

import java.util.List;
import java.util.function.Consumer;

/**
 * Weighs given texts: the language model as a reader. One thread at a time; it lives as long as the
 * {@link Generator} that gave it.
 */
public interface Scorer {

  /**
   * Scores every request; results reach {@code results} on the calling thread as they are ready, in
   * any order.
   *
   * @throws InvalidInputException for a text that does not fit the context, named by prompt id
   * @throws CancelledException once {@code cancellation} is set
   */
  void score(List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation);
}
