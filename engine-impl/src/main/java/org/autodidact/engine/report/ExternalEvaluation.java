package org.autodidact.engine.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.engine.store.RunStore;

/**
 * The results of an evaluation outside of the run, written by the evaluator.
 *
 * @param name M1, M2, …
 * @param verifiedMean mean score by something that training never sees
 * @param verifiedStderr its standard error
 * @param perfect share of answers with the full score
 * @param judgePairwiseAccuracy how often the iterate's own judgement orders two answers as the
 *     truth does
 * @param judgeStderr its standard error
 * @param meanTokens tokens an answer
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public record ExternalEvaluation(
    String name,
    double verifiedMean,
    double verifiedStderr,
    double perfect,
    double judgePairwiseAccuracy,
    double judgeStderr,
    double meanTokens) {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String PROPERTY = "evaluated";

  /** Keeps them with the run. */
  public static void store(RunStore store, List<ExternalEvaluation> facts) {
    try {
      store.put(PROPERTY, JSON.writeValueAsString(facts));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  static List<ExternalEvaluation> read(RunStore store) {
    try {
      return List.of(
          JSON.readValue(store.property(PROPERTY).orElse("[]"), ExternalEvaluation[].class));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
