package org.autodidact.api;

import java.util.List;
import java.util.function.Consumer;

/**
 * Weighs given texts: the language model as a reader. One thread at a time; it lives as long as the
 * {@link Generator} that gave it.
 */
public interface Scorer {

  /**
   * Scores every request.
   *
   * <ul>
   *   <li>W1: each request gives exactly one {@link Scoring}, handed to {@code results} on the
   *       calling thread as soon as it is ready, in any order.
   *   <li>W2: a scoring has one log-probability a continuation, in their order, and none is NaN.
   * </ul>
   *
   * @throws InvalidInputException for a text that does not fit the context, named by prompt id
   * @throws CancelledException once {@code cancellation} is set
   */
  void score(List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation);
}
