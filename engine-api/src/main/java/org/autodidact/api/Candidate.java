package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One sampled answer to a prompt.
 *
 * @param seed the seed of its random numbers: the same model, prompt, sampling parameters and seed
 *     sample it again
 * @param text the answer without end-of-text token and without stop text
 * @param tokens the sampled token ids, the end-of-text token included where one was sampled; empty
 *     where the generator does not know them
 * @param tokenCount how many tokens were sampled; empty where the generator does not know
 * @param logProbability natural logarithm of the probability of {@code tokens} given the prompt
 *     under the model itself (temperature 1, no filter), a sum over tokens, 0 or less; empty where
 *     the generator does not know
 * @param finishReason why it ended
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Candidate(
    long seed,
    String text,
    List<Integer> tokens,
    OptionalInt tokenCount,
    OptionalDouble logProbability,
    FinishReason finishReason) {
  public Candidate {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(tokenCount, "tokenCount");
    Objects.requireNonNull(logProbability, "logProbability");
    Objects.requireNonNull(finishReason, "finishReason");
    tokens = List.copyOf(tokens);
    if (!tokens.isEmpty() && tokenCount.orElse(-1) != tokens.size()) {
      throw new InvalidInputException(
          "a candidate has " + tokens.size() + " tokens and the token count " + tokenCount);
    }
  }

  /** A candidate whose tokens are known. */
  public Candidate(
      long seed,
      String text,
      List<Integer> tokens,
      double logProbability,
      FinishReason finishReason) {
    this(
        seed,
        text,
        tokens,
        OptionalInt.of(tokens.size()),
        OptionalDouble.of(logProbability),
        finishReason);
  }

  /** A candidate of which nothing but its text is known. */
  public Candidate(long seed, String text, FinishReason finishReason) {
    this(seed, text, List.of(), OptionalInt.empty(), OptionalDouble.empty(), finishReason);
  }
}
