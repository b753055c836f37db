package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.TrainingMetrics;

/**
 * The stored optimizer steps of each training.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class TrainingLog {
  private final Database database;

  TrainingLog(Database database) {
    this.database = database;
  }

  /**
   * Stores one optimizer step of the model that is being made; a step done again replaces itself.
   */
  public void addStep(String model, TrainingMetrics metrics) {
    database.grouped(
        () ->
            database.update(
                "INSERT OR REPLACE INTO training_step VALUES (?, ?, ?, ?, ?)",
                model,
                metrics.step(),
                metrics.steps(),
                metrics.tokens(),
                Database.json(metrics.values())));
  }

  /** The steps of a training, in order. */
  public List<TrainingMetrics> steps(String model) {
    return database.query(
        "training steps",
        "SELECT step, steps, tokens, metrics FROM training_step WHERE model = ? ORDER BY step",
        r ->
            TrainingMetrics.of(
                r.count(1),
                r.count(2),
                r.integer(3),
                Database.parse(r.text(4), new TypeReference<Map<String, Double>>() {})),
        model);
  }
}
