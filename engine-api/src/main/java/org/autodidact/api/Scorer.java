package org.autodidact.api;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Computes log-probabilities of given texts under the language model. One thread at a time; it
 * lives as long as the {@link Generator} that it comes from.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
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

  /**
   * How far a token's log-probability, as a mean over some tokens, may lie from that of the same
   * weights in exact arithmetic, by this implementation's rounding: nats, 0 or more. Empty where
   * nothing is known or {@linkplain ScoringRequest#ofTokens token ids} are not scored; then no
   * trainer's numbers are compared with it.
   *
   * @param tokens of the mean, at least 1
   */
  default OptionalDouble rounding(int tokens) {
    return OptionalDouble.empty();
  }
}
