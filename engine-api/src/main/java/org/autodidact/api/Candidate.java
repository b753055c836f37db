package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * One sampled answer to a prompt.
 *
 * @param seed the seed of its random numbers: the same model, prompt, sampling parameters and seed
 *     sample it again
 * @param text the answer without end-of-text token and without stop text
 * @param tokens the sampled token ids, the end-of-text token included where one was sampled
 * @param logProbability natural logarithm of the probability of {@code tokens} given the prompt
 *     under the model itself (temperature 1, no filter), a sum over tokens, 0 or less
 * @param finishReason why it ended
 */
public record Candidate(
    long seed,
    String text,
    List<Integer> tokens,
    double logProbability,
    FinishReason finishReason) {
  public Candidate {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(finishReason, "finishReason");
    tokens = List.copyOf(tokens);
  }
}
