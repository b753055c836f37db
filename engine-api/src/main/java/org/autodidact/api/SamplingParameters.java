package org.autodidact.api;

import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * How the next token is sampled. Filters apply in this order: repetition penalty, temperature,
 * top-k, min-p, top-p (Holtzman et al., 2020); the token is sampled from what is left,
 * renormalized.
 *
 * @param maxTokens new tokens at most, at least 1
 * @param temperature divides the logits, from 1e-6 to 1e6 (below, logits become infinite); 0 takes
 *     the most likely token
 * @param topK keeps the k most likely tokens; 0 keeps all
 * @param topP keeps the fewest most likely tokens whose probabilities sum to at least this, in (0,
 *     1]
 * @param minP drops tokens less likely than this fraction of the most likely one, in [0, 1]
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens already seen
 *     (CTRL, Keskar et al., 2019), above 0; 1 changes nothing
 * @param stop texts that end a candidate; the text before the first of them is kept. A special
 *     token of the model, given alone, is matched as that token; a text with one inside is refused
 * @param ignoreEndOfText goes on past the model's end-of-text tokens, up to {@code maxTokens}
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record SamplingParameters(
    int maxTokens,
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    List<String> stop,
    boolean ignoreEndOfText) {

  public SamplingParameters {
    stop = List.copyOf(stop);
    require(maxTokens >= 1, "max-tokens", "at least 1", maxTokens);
    require(
        temperature == 0 || temperature >= 1e-6 && temperature < 1e6,
        "temperature",
        "0, for the most likely token, or at least 1e-6 and below 1e6",
        temperature);
    require(topK >= 0, "top-k", "0 or more", topK);
    require(topP > 0 && topP <= 1, "top-p", "above 0 and at most 1", topP);
    require(minP >= 0 && minP <= 1, "min-p", "between 0 and 1", minP);
    require(
        repetitionPenalty > 0 && repetitionPenalty < 1e6,
        "repetition-penalty",
        "above 0",
        repetitionPenalty);
    require(stop.stream().noneMatch(String::isEmpty), "stop", "texts that are not empty", stop);
  }

  private static void require(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new InvalidInputException(name + " must be " + expected + ", found " + found);
    }
  }

  /** The most likely token each time. */
  public static SamplingParameters greedy(int maxTokens) {
    return new SamplingParameters(maxTokens, 0, 0, 1, 0, 1, List.of(), false);
  }

  /** Candidates as the paper samples them (section 3.1.2): temperature 0.7, top-p 0.9. */
  public static SamplingParameters candidates(int maxTokens) {
    return new SamplingParameters(maxTokens, 0.7, 0, 0.9, 0, 1, List.of(), false);
  }

  /** These parameters with one more stop text. */
  public SamplingParameters withStop(String text) {
    List<String> more = new ArrayList<>(stop);
    more.add(text);
    return new SamplingParameters(
        maxTokens, temperature, topK, topP, minP, repetitionPenalty, more, ignoreEndOfText);
  }

  public SamplingParameters withIgnoreEndOfText(boolean ignore) {
    return new SamplingParameters(
        maxTokens, temperature, topK, topP, minP, repetitionPenalty, stop, ignore);
  }
}
