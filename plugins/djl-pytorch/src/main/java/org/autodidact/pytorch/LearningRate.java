package org.autodidact.pytorch;

import org.autodidact.api.TrainingSettings;

/** The learning-rate schedule. */
final class LearningRate {
  private LearningRate() {}

  /**
   * The rate of a step, counted from 1. In warm-up it is {@code rate × (step − 1) / warmupSteps},
   * as Hugging Face's schedulers have it; then it moves to the final rate, which the step after the
   * last would have.
   */
  static double at(TrainingSettings settings, int step, int steps) {
    int done = step - 1;
    double highest = settings.learningRate();
    if (done < settings.warmupSteps()) {
      return highest * done / settings.warmupSteps();
    }
    double progress =
        (double) (done - settings.warmupSteps()) / Math.max(1, steps - settings.warmupSteps());
    double lowest = settings.finalLearningRate();
    return switch (settings.schedule()) {
      case CONSTANT -> highest;
      case LINEAR -> highest + (lowest - highest) * progress;
      case COSINE -> lowest + (highest - lowest) * (1 + Math.cos(Math.PI * progress)) / 2;
    };
  }
}
