package org.autodidact.pytorch.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.autodidact.api.TrainingSettings;

/** The batch of examples that each step trains on, and its micro-batches. */
public final class StepBatches {
  private final List<TokenizedExample> examples;
  private final TrainingSettings settings;
  private final long seed;

  public StepBatches(List<TokenizedExample> examples, TrainingSettings settings, long seed) {
    this.examples = examples;
    this.settings = settings;
    this.seed = seed;
  }

  public int stepsPerEpoch() {
    return steps() / settings.epochs();
  }

  public int steps() {
    return settings.steps(examples.size());
  }

  /** The examples of a step, counted from 1. */
  public List<TokenizedExample> batch(int step) {
    int epoch = (step - 1) / stepsPerEpoch();
    int from = (step - 1) % stepsPerEpoch() * settings.batchSize();
    int[] order = order(epoch);
    List<TokenizedExample> batch = new ArrayList<>();
    for (int i = from; i < Math.min(examples.size(), from + settings.batchSize()); i++) {
      batch.add(examples.get(order[i]));
    }
    return batch;
  }

  /** Fisher and Yates's shuffle by seed and epoch; the file's order without shuffling. */
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

  /** A batch cut into micro-batches of like lengths, of {@code maxTokens} tokens or one example. */
  public static List<List<TokenizedExample>> microBatches(
      List<TokenizedExample> batch, int maxTokens) {
    List<TokenizedExample> sorted = new ArrayList<>(batch);
    sorted.sort(Comparator.comparingInt(TokenizedExample::longestSequence));
    List<List<TokenizedExample>> microBatches = new ArrayList<>();
    int tokens = 0;
    for (TokenizedExample example : sorted) {
      if (microBatches.isEmpty() || tokens + example.computedTokens() > maxTokens) {
        microBatches.add(new ArrayList<>());
        tokens = 0;
      }
      microBatches.get(microBatches.size() - 1).add(example);
      tokens += example.computedTokens();
    }
    return microBatches;
  }
}
