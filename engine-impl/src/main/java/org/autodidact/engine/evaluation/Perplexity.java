package org.autodidact.engine.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.UnsupportedModelException;

/** The perplexity of given answers under a model, the end of turn included. */
public final class Perplexity {
  private Perplexity() {}

  /**
   * {@code perplexity}: exp(−Σ ln p / n) over the n tokens of all answers; {@code answers}, {@code
   * answer_tokens}: how many.
   *
   * @param examples demonstrations
   */
  public static Map<String, Double> of(
      List<TrainingExample> examples, Generator generator, Cancellation cancellation) {
    List<ScoringRequest> requests = new ArrayList<>();
    for (TrainingExample example : examples) {
      String answer = ((TrainingExample.Demonstration) example).response().text();
      Prompt prompt = new Prompt(Integer.toString(requests.size()), example.prompt());
      requests.add(new ScoringRequest(prompt, "", List.of(answer), true));
    }
    double[] sum = {0, 0};
    generator
        .scorer()
        .orElseThrow(
            () ->
                new UnsupportedModelException(
                    "perplexity needs a generator that can score given texts, and this one cannot"))
        .score(
            requests,
            scoring -> {
              sum[0] += scoring.logProbabilities().get(0);
              sum[1] += scoring.tokens().get(0);
            },
            cancellation);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("perplexity", Math.exp(-sum[0] / sum[1]));
    metrics.put("answers", (double) requests.size());
    metrics.put("answer_tokens", sum[1]);
    return metrics;
  }
}
