package org.autodidact.engine.loop;

import java.util.List;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.engine.guards.DriftLimits;
import org.autodidact.engine.guards.IterateMetrics;
import org.autodidact.engine.store.RunStore;

/** The metrics of an iterate, and whether it has drifted beyond one of the run's limits. */
final class DriftStage {
  private final StageRunner run;

  DriftStage(StageRunner run) {
    this.run = run;
  }

  /**
   * Measures the iterate by its candidates and judgements. What is beyond a limit is reported to
   * the listener and stored with the run.
   *
   * @return whether the iterate is within all limits of {@code stop-when}
   */
  boolean withinLimits(int iteration) {
    RunStore store = run.store();
    if (!store.iterations().metrics(iteration).containsKey("pairs")) {
      store.iterations().addMetrics(iteration, IterateMetrics.of(store, iteration));
    }
    String model = "M" + iteration;
    run.listener().iterateMeasured(model, store.iterations().metrics(iteration));
    DriftLimits limits =
        new DriftLimits(store.iterations().metrics(1), store.iterations().metrics(iteration));
    limits.exceeded(run.config().warnWhen()).forEach(text -> warn(model + " warns", model, text));
    List<String> reasons = limits.exceeded(run.config().stopWhen());
    reasons.forEach(text -> warn(model + " stops", model, text));
    return reasons.isEmpty();
  }

  private void warn(String property, String model, String text) {
    run.store().put("guard: " + property + ": " + text.substring(0, text.indexOf(' ')), text);
    run.listener().warned(new Stage(model, Kind.PAIRS), text);
  }
}
