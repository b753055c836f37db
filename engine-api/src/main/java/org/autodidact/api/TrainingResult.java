package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * What came of a training.
 *
 * @param checkpoint the new checkpoint, written whole
 * @param metrics one a step, those before a resume included
 * @param stoppedEarly whether the held-out loss ended it
 * @param keptStep the step whose weights the checkpoint has: the last, or the one with the lowest
 *     held-out loss
 */
public record TrainingResult(
    Checkpoint checkpoint, List<TrainingMetrics> metrics, boolean stoppedEarly, int keptStep) {
  public TrainingResult {
    Objects.requireNonNull(checkpoint, "checkpoint");
    metrics = List.copyOf(metrics);
  }

  /** With the weights of the last step. */
  public TrainingResult(
      Checkpoint checkpoint, List<TrainingMetrics> metrics, boolean stoppedEarly) {
    this(checkpoint, metrics, stoppedEarly, metrics.size());
  }
}
