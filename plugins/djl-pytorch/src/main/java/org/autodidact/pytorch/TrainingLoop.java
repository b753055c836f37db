package org.autodidact.pytorch;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Probe;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.json.RecordJson;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.data.StepBatches;
import org.autodidact.pytorch.data.TokenizedExample;
import org.autodidact.pytorch.data.TokenizedRequest;
import org.autodidact.pytorch.loss.TrainingLoss;
import org.autodidact.pytorch.program.ForwardPass;
import org.autodidact.pytorch.program.PeftAdapterFolder;
import org.autodidact.pytorch.program.TrainingProgram;
import org.autodidact.pytorch.state.Fingerprint;
import org.autodidact.pytorch.state.FinishedTraining;
import org.autodidact.pytorch.state.SavePace;
import org.autodidact.pytorch.state.TrainingState;

/** One training from its first or next step to its last. */
final class TrainingLoop {
  private final TrainingRequest request;
  private final TrainingSettings settings;
  private final ModelFolder base;
  private final TrainingProgram program;
  private final TrainingLoss loss;
  private final List<TokenizedExample> examples;
  private final List<TokenizedExample> heldOut;
  private final List<Optional<TokenizedExample>> probes;
  private final TrainingState state;
  private final Fingerprint fingerprint;
  private final StepBatches batches;
  private final List<TrainingMetrics> done = new ArrayList<>();

  /**
   * Σ ln p of each example's sequences under the reference model, held-out examples last; of an
   * example nothing where its first step will compute it.
   */
  private final List<List<Double>> reference = new ArrayList<>();

  private int bestStep;
  private double bestLoss = Double.MAX_VALUE;
  private int evaluationsSinceBest;

  TrainingLoop(
      TrainingRequest request,
      ModelFolder base,
      TrainingProgram program,
      TokenizedRequest tokenized,
      TrainingState state,
      Fingerprint fingerprint) {
    this.request = request;
    this.settings = request.settings();
    this.base = base;
    this.program = program;
    this.loss = TrainingLoss.of(settings);
    this.examples = tokenized.examples();
    this.heldOut = tokenized.heldOut();
    this.probes = tokenized.probes();
    this.state = state;
    this.fingerprint = fingerprint;
    this.batches = new StepBatches(examples, settings, request.seed());
  }

  TrainingResult run(Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    // The base's weights are there, whatever a resume puts in their place.
    List<Double> probesBefore = scoreProbes(program::reference);
    Optional<TrainingState.Progress> saved = state.progress(fingerprint);
    program.prepareTraining();
    if (saved.isPresent()) {
      resume(saved.get());
    } else {
      if (loss.needsReference()) {
        reference.addAll(reference(cancellation));
      }
      save(0);
    }
    state.startMetrics(done);
    SavePace pace = new SavePace(program.stateBytes(), System.nanoTime());
    int last = done.size();
    int lastSaved = last;
    boolean stopped = stopsEarly();
    while (last < batches.steps() && !stopped) {
      if (cancellation.isCancelled() && settings.saveEvery() > 0 && lastSaved < last) {
        save(last);
      }
      cancellation.throwIfCancelled();
      TrainingMetrics step = step(last + 1);
      done.add(step);
      state.appendMetrics(List.of(step));
      last++;
      stopped = stopsEarly();
      long now = System.nanoTime();
      if (settings.saveEvery() > 0
          && last < batches.steps()
          && (last % settings.saveEvery() == 0 || pace.isDue(now))) {
        save(last);
        lastSaved = last;
        pace.saved(now, System.nanoTime());
      }
      metrics.accept(step);
    }
    return finish(stopped, probesBefore);
  }

  /** Σ ln p of each probe's answer, 0 of those that are too long. */
  private List<Double> scoreProbes(Function<PackedMicroBatch, double[]> model) {
    return probes.stream()
        .map(p -> p.map(e -> model.apply(PackedMicroBatch.of(List.of(e)))[0]).orElse(0.0))
        .toList();
  }

  private List<Probe.Result> probeResults(List<Double> before) {
    List<Double> after = scoreProbes(program::score);
    List<Probe.Result> results = new ArrayList<>();
    for (int i = 0; i < before.size(); i++) {
      int tokens = probes.get(i).map(TokenizedExample::scoredTokens).orElse(0);
      double rounding = tokens == 0 ? 0 : program.rounding(tokens);
      results.add(new Probe.Result(before.get(i), after.get(i), tokens, rounding));
    }
    return results;
  }

  private void resume(TrainingState.Progress progress) {
    reference.addAll(progress.reference());
    progress.metrics().forEach(row -> done.add(row.metrics()));
    bestStep = progress.bestStep();
    bestLoss = progress.bestLoss();
    evaluationsSinceBest = progress.evaluationsSinceBest();
    if (progress.step() > 0) {
      program.readState(state::load);
    }
  }

  private void save(int step) {
    TrainingState.Progress progress =
        new TrainingState.Progress(
            fingerprint,
            step,
            reference,
            done.stream().map(TrainingState.Row::of).toList(),
            bestStep,
            bestLoss,
            evaluationsSinceBest);
    state.save(progress, step == 0 ? List.of() : program.state());
  }

  /**
   * Σ ln p of all sequences of training and held-out examples under the starting weights, in the
   * micro-batches of the first epoch: other micro-batches round otherwise, in bf16 by as much as a
   * step changes. Without dropout the first step's own forward passes are the reference's.
   */
  private List<List<Double>> reference(Cancellation cancellation) {
    List<List<TokenizedExample>> microBatches = new ArrayList<>();
    for (int step = hasDropout() ? 1 : 2; step <= batches.stepsPerEpoch(); step++) {
      microBatches.addAll(microBatches(batches.batch(step)));
    }
    microBatches.addAll(microBatches(heldOut));
    Map<TokenizedExample, List<Double>> found = new HashMap<>();
    List<PackedMicroBatch> packed = microBatches.stream().map(PackedMicroBatch::of).toList();
    List<double[]> all = program.references(packed, cancellation::throwIfCancelled);
    for (int m = 0; m < all.size(); m++) {
      List<TokenizedExample> microBatch = microBatches.get(m);
      for (int i = 0; i < microBatch.size(); i++) {
        found.put(microBatch.get(i), List.of(all.get(m)[i], all.get(m)[microBatch.size() + i]));
      }
    }
    return Stream.concat(examples.stream(), heldOut.stream())
        .map(example -> found.getOrDefault(example, List.of()))
        .toList();
  }

  private List<List<TokenizedExample>> microBatches(List<TokenizedExample> batch) {
    return StepBatches.microBatches(batch, program.microBatchTokens());
  }

  private boolean hasDropout() {
    return settings.dropout() > 0 || settings.lora().filter(l -> l.dropout() > 0).isPresent();
  }

  private TrainingMetrics step(int step) {
    List<TokenizedExample> batch = batches.batch(step);
    double weight = weight(batch);
    SplittableRandom seeds = new SplittableRandom(request.seed() ^ (step * 0x9E3779B97F4A7C15L));
    List<List<TokenizedExample>> microBatches = microBatches(batch);
    List<TrainingLoss.Scores> scored = new ArrayList<>();
    for (List<TokenizedExample> microBatch : microBatches) {
      PackedMicroBatch packed = PackedMicroBatch.of(microBatch);
      try (ForwardPass pass = program.forward(packed, seeds.nextLong())) {
        if (program.isDeferred()) {
          pass.backward(loss.terms(unscored(microBatch, packed), weight));
        } else {
          TrainingLoss.Scores scores = scores(microBatch, packed, pass.logProbabilities(), 0);
          checkFinite(step, microBatch, scores);
          scored.add(scores);
          pass.backward(loss.value(scores, weight).gradients());
        }
      }
    }
    double rate = LearningRate.at(settings, step, batches.steps());
    TrainingProgram.Step update =
        program.step(step, rate, settings.weightDecay(), settings.maxGradientNorm());
    for (int i = 0; i < update.logProbabilities().size(); i++) {
      List<TokenizedExample> microBatch = microBatches.get(i);
      PackedMicroBatch packed = PackedMicroBatch.of(microBatch);
      TrainingLoss.Scores scores = scores(microBatch, packed, update.logProbabilities().get(i), 0);
      checkFinite(step, microBatch, scores);
      scored.add(scores);
    }
    TreeMap<String, Double> values = new TreeMap<>();
    double total = 0;
    for (TrainingLoss.Scores scores : scored) {
      total += loss.value(scores, weight).loss();
      loss.addMetrics(scores, 1.0 / batch.size(), values);
    }
    double norm = update.gradientNorm();
    if (!Double.isFinite(norm)) {
      throw diverged(step, "the gradient's norm is " + norm, batch);
    }
    values.put("loss", total);
    values.put("grad_norm", norm);
    values.put("learning_rate", rate);
    if (settings.heldOutEvery() > 0
        && !heldOut.isEmpty()
        && (step % settings.heldOutEvery() == 0 || step == batches.steps())) {
      values.put("eval_loss", evaluate(step));
    }
    long tokens = batch.stream().mapToLong(TokenizedExample::tokens).sum();
    return new TrainingMetrics(step, batches.steps(), tokens, values);
  }

  /**
   * What an example's loss, or a token's for SFT, is multiplied by so that the batch has its mean.
   */
  private double weight(List<TokenizedExample> batch) {
    return !settings.loss().equals(TrainingSettings.Loss.SFT)
        ? 1.0 / batch.size()
        : 1.0 / Math.max(1, batch.stream().mapToInt(TokenizedExample::scoredTokens).sum());
  }

  /**
   * What the loss is computed from.
   *
   * @param offset of the micro-batch's kind of examples in {@link #reference}
   */
  private TrainingLoss.Scores scores(
      List<TokenizedExample> microBatch, PackedMicroBatch packed, double[] sums, int offset) {
    double[] underReference = new double[sums.length];
    if (loss.needsReference()) {
      for (int i = 0; i < microBatch.size(); i++) {
        int index = offset + microBatch.get(i).index();
        if (reference.get(index).isEmpty()) {
          reference.set(index, List.of(sums[i], sums[microBatch.size() + i]));
        }
        underReference[i] = reference.get(index).get(0);
        underReference[microBatch.size() + i] = reference.get(index).get(1);
      }
    }
    double[] consistency = microBatch.stream().mapToDouble(TokenizedExample::consistency).toArray();
    return new TrainingLoss.Scores(sums, underReference, packed.scoredTokens(), consistency);
  }

  /**
   * What a device computes a loss from, which has the sums: NaN for a reference that is not known.
   */
  private TrainingLoss.Scores unscored(List<TokenizedExample> microBatch, PackedMicroBatch packed) {
    double[] lengths = packed.scoredTokens();
    double[] underReference = new double[lengths.length];
    if (loss.needsReference()) {
      for (int i = 0; i < microBatch.size(); i++) {
        List<Double> known = reference.get(microBatch.get(i).index());
        underReference[i] = known.isEmpty() ? Double.NaN : known.get(0);
        underReference[microBatch.size() + i] = known.isEmpty() ? Double.NaN : known.get(1);
      }
    }
    double[] consistency = microBatch.stream().mapToDouble(TokenizedExample::consistency).toArray();
    return new TrainingLoss.Scores(new double[0], underReference, lengths, consistency);
  }

  private void checkFinite(
      int step, List<TokenizedExample> microBatch, TrainingLoss.Scores scores) {
    for (int i = 0; i < scores.sums().length; i++) {
      if (!Double.isFinite(scores.sums()[i] - scores.reference()[i])) {
        TokenizedExample example = microBatch.get(i % microBatch.size());
        throw diverged(
            step,
            "the log-probability of "
                + (example.answers().length == 1
                    ? "the answer"
                    : i < microBatch.size() ? "the chosen answer" : "the rejected answer")
                + " is "
                + scores.sums()[i]
                + (loss.needsReference()
                    ? " (under the reference " + scores.reference()[i] + ")"
                    : ""),
            List.of(example));
      }
    }
  }

  private TrainingDivergedException diverged(
      int step, String message, List<TokenizedExample> among) {
    return new TrainingDivergedException(
        "step " + step + ": " + message,
        among.stream().map(TokenizedExample::index).sorted().toList(),
        step == 1
            ? "Nothing was learned yet: look at the model's weights, and at what it trained on"
            : "Lower the learning rate, or look at them; another rate begins anew, when "
                + request.stateFolder()
                + ", which holds the last saved step, is deleted");
  }

  /** The held-out loss, without dropout; the best weights are kept. */
  private double evaluate(int step) {
    double total = 0;
    double weight = weight(heldOut);
    for (List<TokenizedExample> microBatch : microBatches(heldOut)) {
      PackedMicroBatch packed = PackedMicroBatch.of(microBatch);
      TrainingLoss.Scores scores =
          scores(microBatch, packed, program.score(packed), examples.size());
      total += loss.value(scores, weight).loss();
    }
    if (total < bestLoss) {
      bestLoss = total;
      bestStep = step;
      evaluationsSinceBest = 0;
      state.saveBest(step, program.trained());
    } else {
      evaluationsSinceBest++;
    }
    return total;
  }

  private boolean stopsEarly() {
    return settings.patience() > 0 && evaluationsSinceBest >= settings.patience();
  }

  private TrainingResult finish(boolean stopped, List<Double> probesBefore) {
    if (bestStep > 0 && bestStep < done.size()) {
      program.readTrained(weights -> state.loadBest(bestStep, weights));
    }
    if (!program.isFinite()) {
      throw diverged(done.size(), "a weight is no number", batches.batch(done.size()));
    }
    int keptStep = bestStep > 0 ? bestStep : done.size();
    List<Probe.Result> probeResults = probeResults(probesBefore);
    FinishedTraining finished =
        new FinishedTraining(
            fingerprint,
            request.base().name(),
            RecordJson.json(settings),
            request.seed(),
            examples.size(),
            stopped,
            keptStep,
            done.stream().map(TrainingState.Row::of).toList(),
            probeResults);
    write(finished.files());
    state.delete();
    return new TrainingResult(request.output(), done, stopped, keptStep, probeResults);
  }

  /** Writes a whole model, or the adapter alone. */
  private void write(Map<String, byte[]> files) {
    Optional<TrainingSettings.Lora> lora = settings.lora();
    if (lora.isPresent() && !lora.get().merge()) {
      PeftAdapterFolder.write(request, lora.get(), program, files);
      return;
    }
    if (lora.isPresent()) {
      program.merge(base);
    }
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    List<ByteBuffer> views = program.weights();
    for (int i = 0; i < views.size(); i++) {
      TensorInfo tensor = base.tensor(program.names().get(i));
      ByteBuffer view = views.get(i);
      weights.put(tensor.name(), new WeightSource(tensor.shape(), view::duplicate));
    }
    base.writeWithWeights(request.output().folder(), weights, files);
  }
}
