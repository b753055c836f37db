package org.autodidact.api;

import java.util.List;
import java.util.SortedMap;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Watches a run. Called on the run's thread; what it throws ends the run. Every method does nothing
 * by default.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface RunListener {

  /** One that tells all of these, in their order. */
  static RunListener all(List<RunListener> listeners) {
    return new AllListeners(List.copyOf(listeners));
  }

  /**
   * A stage begins: {@code done} of {@code total} items were already there from before a resume.
   */
  default void stageStarted(Stage stage, int done, int total) {}

  /** One more item of the stage is finished and stored. */
  default void progressed(Stage stage, int done, int total) {}

  /** One optimizer step is done. */
  default void trained(Stage stage, TrainingMetrics metrics) {}

  /**
   * The run has drifted beyond one of its limits, {@code warn-when} or {@code stop-when}; reported
   * again when the run is resumed.
   */
  default void warned(Stage stage, String message) {}

  /** A stage is finished and stored. */
  default void stageFinished(Stage stage) {}

  /**
   * An iterate's candidates are judged and paired: what the report shows of it, as {@code
   * mean-score}, {@code mean-tokens}, {@code agreement} and {@code pairs}, by name.
   */
  default void iterateMeasured(String model, SortedMap<String, Double> metrics) {}

  /**
   * A part of a run.
   *
   * @param model the iterate that is being worked with: M0 is fine-tuned into M1, M1 makes M2's
   *     data
   * @param kind what is done
   */
  record Stage(String model, Kind kind) {}

  /** The kind of a stage. */
  enum Kind {
    FINE_TUNING,
    PROMPTS,
    /** Those of an earlier iterate, for a selector that needs them. */
    PAST_CANDIDATES,
    CANDIDATES,
    JUDGEMENTS,
    /** The evaluation that a run asks for beside its own candidates. */
    EVALUATION,
    /** The scores of the iterate before, for a selector that needs them. */
    EARLIER_SCORES,
    /** The pairs that a future iterate is trained on, for a selector that needs one. */
    FUTURE_PAIRS,
    /** A future iterate, which answers this iteration's prompts and is then done with. */
    FUTURE_TRAINING,
    FUTURE_CANDIDATES,
    FUTURE_JUDGEMENTS,
    PAIRS,
    PREFERENCE_TRAINING
  }
}
