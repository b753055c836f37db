package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The result of a training.
 *
 * @param checkpoint the new checkpoint: the request's output, written whole, or a reference of its
 *     name
 * @param metrics one a step, those before a resume included
 * @param stoppedEarly whether the held-out loss ended it
 * @param keptStep the step whose weights the checkpoint has: the last, or the one with the lowest
 *     held-out loss
 * @param probes the result of each of the request's probes, in their order; empty where the trainer
 *     scores none
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record TrainingResult(
    Checkpoint checkpoint,
    List<TrainingMetrics> metrics,
    boolean stoppedEarly,
    int keptStep,
    List<Probe.Result> probes) {
  public TrainingResult {
    Objects.requireNonNull(checkpoint, "checkpoint");
    metrics = List.copyOf(metrics);
    probes = List.copyOf(probes);
  }

  /** The result of a trainer that scores no probes. */
  public TrainingResult(
      Checkpoint checkpoint, List<TrainingMetrics> metrics, boolean stoppedEarly, int keptStep) {
    this(checkpoint, metrics, stoppedEarly, keptStep, List.of());
  }

  /** A result with the weights of the last step. */
  public TrainingResult(
      Checkpoint checkpoint, List<TrainingMetrics> metrics, boolean stoppedEarly) {
    this(checkpoint, metrics, stoppedEarly, metrics.size());
  }
}
