package org.autodidact.api;

/**
 * Watches a run. Called on the run's thread; what it throws ends the run. Every method does nothing
 * by default.
 */
public interface RunListener {

  /**
   * A stage begins: {@code done} of {@code total} items were already there from before a resume.
   */
  default void stageStarted(Stage stage, int done, int total) {}

  /** One more item of the stage is finished and stored. */
  default void progressed(Stage stage, int done, int total) {}

  /** One optimizer step is done. */
  default void trained(Stage stage, TrainingMetrics metrics) {}

  /** A stage is finished and stored. */
  default void stageFinished(Stage stage) {}

  /**
   * A part of a run.
   *
   * @param model the iterate that is being worked with: M0 is fine-tuned into M1, M1 makes M2's
   *     data
   * @param kind what is done
   */
  record Stage(String model, Kind kind) {}

  /** What a stage does. */
  enum Kind {
    FINE_TUNING,
    PROMPTS,
    CANDIDATES,
    JUDGEMENTS,
    PAIRS,
    PREFERENCE_TRAINING
  }
}
