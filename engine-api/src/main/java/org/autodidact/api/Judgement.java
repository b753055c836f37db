package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The judgement of one answer: a score and its samples.
 *
 * @param id the request's id
 * @param score the mean of the samples that have a score; empty where none has (paper, section 2.2)
 * @param samples the sampled judgements, in the order of the request's seeds
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Judgement(String id, OptionalDouble score, List<JudgementSample> samples) {
  public Judgement {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(score, "score");
    samples = List.copyOf(samples);
  }

  /** The judgement whose score is the mean of the samples that have one. */
  public static Judgement of(String id, List<JudgementSample> samples) {
    return new Judgement(
        id,
        samples.stream()
            .filter(s -> s.score().isPresent())
            .mapToDouble(s -> s.score().getAsDouble())
            .average(),
        samples);
  }
}
