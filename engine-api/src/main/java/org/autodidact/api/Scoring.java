package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The log-probabilities that a {@link Scorer} computed for a request.
 *
 * @param promptId the request's prompt id
 * @param logProbabilities natural logarithm of each continuation's probability given prompt and
 *     prefix, a sum over its tokens, in the request's order
 * @param tokens tokens counted in each sum
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Scoring(String promptId, List<Double> logProbabilities, List<Integer> tokens) {
  public Scoring {
    Objects.requireNonNull(promptId, "promptId");
    logProbabilities = List.copyOf(logProbabilities);
    tokens = List.copyOf(tokens);
  }
}
