package org.autodidact.api;

import java.util.List;
import java.util.SortedMap;

/** Tells each of some listeners. */
record AllListeners(List<RunListener> listeners) implements RunListener {
  @Override
  public void stageStarted(Stage stage, int done, int total) {
    listeners.forEach(l -> l.stageStarted(stage, done, total));
  }

  @Override
  public void progressed(Stage stage, int done, int total) {
    listeners.forEach(l -> l.progressed(stage, done, total));
  }

  @Override
  public void trained(Stage stage, TrainingMetrics metrics) {
    listeners.forEach(l -> l.trained(stage, metrics));
  }

  @Override
  public void warned(Stage stage, String message) {
    listeners.forEach(l -> l.warned(stage, message));
  }

  @Override
  public void stageFinished(Stage stage) {
    listeners.forEach(l -> l.stageFinished(stage));
  }

  @Override
  public void iterateMeasured(String model, SortedMap<String, Double> metrics) {
    listeners.forEach(l -> l.iterateMeasured(model, metrics));
  }
}
