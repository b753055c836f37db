package org.autodidact.api;

import java.util.Collections;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The metrics of one optimizer step.
 *
 * @param step from 1
 * @param steps the training's steps in all
 * @param tokens tokens run through the model in this step, prompts included
 * @param values by TRL's names: {@code loss}, {@code grad_norm} (before clipping), {@code
 *     learning_rate} and, for preference losses, {@code rewards/chosen}, {@code rewards/rejected},
 *     {@code rewards/accuracies}, {@code rewards/margins}; {@code eval_loss} where held-out
 *     examples were evaluated after it
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record TrainingMetrics(int step, int steps, long tokens, SortedMap<String, Double> values) {
  public TrainingMetrics {
    values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
  }

  public static TrainingMetrics of(int step, int steps, long tokens, Map<String, Double> values) {
    return new TrainingMetrics(step, steps, tokens, new TreeMap<>(values));
  }

  public OptionalDouble value(String name) {
    Double value = values.get(name);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }
}
