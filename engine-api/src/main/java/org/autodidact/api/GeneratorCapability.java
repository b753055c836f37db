package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * What a generator can do beside sampling texts by temperature, top-p and a limit of tokens.
 *
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public enum GeneratorCapability {
  /** {@link Generator#scorer()} is there: log-probabilities of given texts. */
  SCORES,
  /** Candidates have their {@link Candidate#logProbability()}. */
  LOG_PROBABILITIES,
  /** Candidates and prompts have their token ids. */
  TOKEN_IDS,
  /** {@link SamplingParameters#topK()}. */
  TOP_K,
  /** {@link SamplingParameters#minP()}. */
  MIN_P,
  /** {@link SamplingParameters#repetitionPenalty()}. */
  REPETITION_PENALTY,
  /** {@link SamplingParameters#ignoreEndOfText()}. */
  IGNORE_END_OF_TEXT,
  /** Equal seeds sample equal texts (rule G3). */
  SEEDS,
  /** Opens {@linkplain Checkpoint#reference references}: models that are no folder here. */
  MODEL_REFERENCES
}
