package org.autodidact.pytorch;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.autodidact.api.TrainingSettings;

/** Which examples each step sees, and in which portions memory holds them. */
final class Batches {
  private final List<Example> examples;
  private final TrainingSettings settings;
  private final long seed;

  Batches(List<Example> examples, TrainingSettings settings, long seed) {
    this.examples = examples;
    this.settings = settings;
    this.seed = seed;
  }

  int stepsPerEpoch() {
    return steps() / settings.epochs();
  }

  int steps() {
    return settings.steps(examples.size());
  }

  /** The examples of a step, counted from 1. */
  List<Example> batch(int step) {
    int epoch = (step - 1) / stepsPerEpoch();
    int from = (step - 1) % stepsPerEpoch() * settings.batchSize();
    int[] order = order(epoch);
    List<Example> batch = new ArrayList<>();
    for (int i = from; i < Math.min(examples.size(), from + settings.batchSize()); i++) {
      batch.add(examples.get(order[i]));
    }
    return batch;
  }

  /** Fisher and Yates's shuffle, drawn by seed and epoch; the file's order without shuffling. */
  private int[] order(int epoch) {
    int[] order = new int[examples.size()];
    SplittableRandom random = new SplittableRandom(seed + epoch);
    for (int i = 0; i < order.length; i++) {
      int j = settings.shuffle() ? random.nextInt(i + 1) : i;
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** Portions that are computed at a time, of like length: {@code most} tokens or one example. */
  static List<List<Example>> passes(List<Example> batch, int most) {
    List<Example> sorted = new ArrayList<>(batch);
    sorted.sort(Comparator.comparingInt(Example::width));
    List<List<Example>> passes = new ArrayList<>();
    List<Example> pass = new ArrayList<>();
    int tokens = 0;
    for (Example example : sorted) {
      if (tokens + example.computed() > most && !pass.isEmpty()) {
        passes.add(pass);
        pass = new ArrayList<>();
        tokens = 0;
      }
      pass.add(example);
      tokens += example.computed();
    }
    if (!pass.isEmpty()) {
      passes.add(pass);
    }
    return passes;
  }
}
