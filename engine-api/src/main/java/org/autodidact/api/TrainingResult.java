package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * What came of a training.
 *
 * @param checkpoint the new checkpoint, written whole
 * @param metrics one a step, those before a resume included
 * @param stoppedEarly whether the held-out loss ended it
 */
public record TrainingResult(
    Checkpoint checkpoint, List<TrainingMetrics> metrics, boolean stoppedEarly) {
  public TrainingResult {
    Objects.requireNonNull(checkpoint, "checkpoint");
    metrics = List.copyOf(metrics);
  }
}
