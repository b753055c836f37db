package org.autodidact.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.autodidact.api.Answer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Probe;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;

/**
 * Trains a linear score over letter counts, which is enough of a model for the rules; keeps every
 * rule but {@code broken}. A folder holds {@code weights}, one number a line.
 */
final class BreakableTrainer implements Trainer {
  static final int LETTERS = 26;
  private final String broken;

  BreakableTrainer(String broken) {
    this.broken = broken;
  }

  static void write(Path folder, double[] weights) {
    try {
      Files.createDirectories(folder);
      Files.write(
          folder.resolve("weights"), Arrays.stream(weights).mapToObj(Double::toString).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static double[] read(Path folder) {
    try {
      return Files.readAllLines(folder.resolve("weights")).stream()
          .mapToDouble(Double::parseDouble)
          .toArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    TrainingSettings settings = request.settings();
    boolean sft = settings.loss().equals(TrainingSettings.Loss.SFT);
    if (!broken.equals("T9")) {
      if (request.examples().isEmpty()) {
        throw new InvalidInputException("no examples");
      }
      for (TrainingExample example : request.examples()) {
        if (example instanceof TrainingExample.Demonstration != sft) {
          throw new InvalidInputException("an example of the wrong kind");
        }
      }
    }
    if (broken.equals("T13") && !settings.optimizer().equals(TrainingSettings.Optimizer.ADAMW)) {
      throw new InvalidInputException("the optimizer must be adamw");
    }
    double[] reference = read(request.base().folder());
    double[] weights = reference.clone();
    List<TrainingMetrics> history = new ArrayList<>();
    Path saved = request.stateFolder();
    if (Files.exists(saved) && !broken.equals("T4")) {
      weights = read(saved);
      readHistory(saved, history);
    }
    int perEpoch =
        (Math.max(1, request.examples().size()) + settings.batchSize() - 1) / settings.batchSize();
    int steps = perEpoch * settings.epochs();
    double rate = broken.equals("T6") && sft ? -settings.learningRate() : settings.learningRate();
    for (int step = history.size() + 1; step <= steps; step++) {
      if (!broken.equals("T8")) {
        cancellation.throwIfCancelled();
      }
      double loss = 0;
      int from = (step - 1) % perEpoch * settings.batchSize();
      int to = Math.min(request.examples().size(), from + settings.batchSize());
      for (TrainingExample example : request.examples().subList(from, to)) {
        double[] features = features(example);
        double margin = 0;
        for (int i = 0; i < LETTERS; i++) {
          margin += features[i] * (sft ? weights[i] : weights[i] - reference[i]);
        }
        loss += Math.log1p(Math.exp(-margin)) / (to - from);
        for (int i = 0; i < LETTERS; i++) {
          weights[i] += rate * features[i] / (1 + Math.exp(margin)) / (to - from);
        }
      }
      if (broken.equals("T3")) {
        weights[0] += new Random().nextDouble() * 1e-3;
      }
      if (broken.equals("T5")) {
        weights[0] *= 0.999;
      }
      TrainingMetrics found =
          TrainingMetrics.of(
              broken.equals("T2") ? step - 1 : step,
              steps,
              1,
              Map.of("loss", broken.equals("T7") ? 2 * loss : loss));
      history.add(found);
      write(saved, weights);
      writeHistory(saved, history);
      if (broken.equals("T1")) {
        write(request.output().folder(), weights);
      }
      if (broken.equals("T2-thread")) {
        OtherThread.run(() -> metrics.accept(found));
      } else {
        metrics.accept(found);
      }
    }
    write(request.output().folder(), weights);
    if (!broken.equals("T12")) {
      delete(saved);
    }
    if (broken.equals("T1-base")) {
      write(request.base().folder(), weights);
    }
    if (broken.equals("T10-none")) {
      return new TrainingResult(request.output(), history, false);
    }
    List<Probe.Result> readings = new ArrayList<>();
    for (Probe probe : request.probes()) {
      double before = score(probe, reference);
      double after = broken.equals("T10") ? before : score(probe, weights);
      readings.add(new Probe.Result(before, after, 1, 1e-9));
    }
    return new TrainingResult(request.output(), history, false, history.size(), readings);
  }

  private static void delete(Path folder) {
    try {
      Files.deleteIfExists(folder.resolve("weights"));
      Files.deleteIfExists(folder.resolve("history"));
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private double score(Probe probe, double[] weights) {
    double[] counts = new double[LETTERS];
    count(probe.answer(), 1, counts);
    double sum = 0;
    for (int i = 0; i < LETTERS; i++) {
      sum += weights[i] * counts[i];
    }
    return sum;
  }

  private double[] features(TrainingExample example) {
    double[] counts = new double[LETTERS];
    if (example instanceof TrainingExample.Preference p) {
      count(p.chosen(), 1, counts);
      count(p.rejected(), -1, counts);
    } else if (example instanceof TrainingExample.Demonstration d) {
      count(d.response(), 1, counts);
    }
    return counts;
  }

  /** A token is a letter, the end of a turn the last one. */
  private void count(Answer answer, double sign, double[] counts) {
    if (!answer.tokens().isEmpty() && !broken.equals("T11")) {
      answer.tokens().forEach(token -> counts[token % LETTERS] += sign);
      return;
    }
    answer.text().chars().filter(c -> c >= 'a' && c <= 'z').forEach(c -> counts[c - 'a'] += sign);
    if (answer.ends() || broken.equals("T11")) {
      counts[LETTERS - 1] += sign;
    }
  }

  private static void writeHistory(Path folder, List<TrainingMetrics> history) {
    try {
      Files.write(
          folder.resolve("history"),
          history.stream()
              .map(m -> m.step() + " " + m.steps() + " " + m.value("loss").orElseThrow())
              .collect(Collectors.toList()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readHistory(Path folder, List<TrainingMetrics> into) {
    try {
      for (String line : Files.readAllLines(folder.resolve("history"))) {
        String[] parts = line.split(" ");
        into.add(
            TrainingMetrics.of(
                Integer.parseInt(parts[0]),
                Integer.parseInt(parts[1]),
                1,
                Map.of("loss", Double.parseDouble(parts[2]))));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
