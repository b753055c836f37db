package org.autodidact.pytorch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Probe;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.json.RecordJson;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.autodidact.pytorch.data.ExampleEncoder;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.data.StepBatches;
import org.autodidact.pytorch.data.TokenizedExample;
import org.autodidact.pytorch.loss.PreferenceLoss;
import org.autodidact.pytorch.program.CpuInfo;
import org.autodidact.pytorch.program.PeftAdapterFolder;
import org.autodidact.pytorch.program.TorchRuntime;
import org.autodidact.pytorch.program.TrainingDevice;
import org.autodidact.pytorch.program.TrainingProgram;
import org.autodidact.pytorch.program.TrainingScript;
import org.autodidact.pytorch.state.Fingerprint;
import org.autodidact.pytorch.state.SavePace;
import org.autodidact.pytorch.state.TrainingState;

/**
 * Trains all parameters or a LoRA adapter with libtorch, in float32 or with products in bf16 and
 * float32 weights. The reference's log-probabilities are computed once, by the same program from
 * the same weights: before the first step, or in it, where nothing is dropped. Dropout, where it is
 * on, falls on what attention and MLP add to the residual stream.
 */
public final class DjlTrainer implements Trainer {
  private final ComputeSettings settings;
  private final boolean bf16;

  public DjlTrainer(ComputeSettings settings) {
    this.settings = settings;
    this.bf16 = settings.precision() == ComputeSettings.Precision.BF16;
  }

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    if (request.examples().isEmpty()) {
      throw new InvalidInputException("there is no example to train on; give at least one");
    }
    Path output = request.output().folder();
    Optional<TrainingState.Finished> there = TrainingState.Finished.read(output);
    if (there.isEmpty() && Files.exists(output)) {
      throw somethingElse(output);
    }
    try (TrainingState state = TrainingState.take(request.stateFolder())) {
      return train(request, there, state, metrics, cancellation);
    }
  }

  private TrainingResult train(
      TrainingRequest request,
      Optional<TrainingState.Finished> there,
      TrainingState state,
      Consumer<TrainingMetrics> metrics,
      Cancellation cancellation) {
    // Starts, while the base is opened and its weights are read for their hash.
    try (Background<Optional<Engine>> engine =
            Background.start(
                "autodidact-libtorch",
                stopped ->
                    there.isPresent() ? Optional.empty() : Optional.of(TorchRuntime.engine()));
        ModelFolder base = ModelFolder.open(request.base().folder());
        Background<Fingerprint> fingerprint =
            Background.start(
                "autodidact-fingerprint",
                stopped -> Fingerprint.of(request, base, bf16, stopped))) {
      ExampleEncoder encoder = new ExampleEncoder(base, request.settings());
      List<TokenizedExample> examples =
          encoder.encode(request.examples(), false, request.settings().loss());
      List<TokenizedExample> heldOut =
          encoder.encode(request.heldOut(), true, request.settings().loss());
      List<Optional<TokenizedExample>> probes = new ArrayList<>();
      for (Probe probe : request.probes()) {
        probes.add(encoder.encode(probes.size(), probe));
      }
      if (there.isPresent()) {
        TrainingResult finished = finished(request, there.get(), fingerprint.get());
        state.delete();
        return finished;
      }
      int longest =
          Math.max(
              examples.stream().mapToInt(TokenizedExample::width).max().orElseThrow(),
              Math.max(
                  heldOut.stream().mapToInt(TokenizedExample::width).max().orElse(0),
                  probes.stream()
                      .flatMap(Optional::stream)
                      .mapToInt(TokenizedExample::width)
                      .max()
                      .orElse(0)));
      PreferenceLoss objective = PreferenceLoss.of(request.settings());
      engine.get();
      TrainingDevice target = TrainingDevice.of(settings.device());
      if (bf16 && target == TrainingDevice.CPU && !CpuInfo.hasBf16()) {
        System.getLogger(DjlTrainer.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "this processor has no instructions for bf16; emulated it is at least ten times as slow as"
                    + " fp32");
      }
      try (TrainingProgram program =
          new TrainingProgram(
              base,
              new TrainingScript(base),
              request.settings(),
              bf16,
              target,
              longest,
              settings.effectiveThreads(),
              request.seed())) {
        return new Course(
                request,
                base,
                program,
                objective,
                examples,
                heldOut,
                probes,
                state,
                fingerprint.get())
            .run(metrics, cancellation);
      } catch (EngineException e) {
        throw explained(e);
      }
    }
  }

  /** What libtorch threw; where memory ran out, with what asks for less of it. */
  static RuntimeException explained(EngineException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("allocate memory") || message.contains("out of memory")
        ? new AutodidactException(
            "memory ran out in training"
                + (message.contains("CUDA") ? " on the GPU" : "")
                + "; turn activation-checkpointing on, lower max-length, set the optimizer"
                + " adafactor, or train an adapter by lora-rank (libtorch: "
                + message.lines().findFirst().orElse("")
                + ")",
            e)
        : e;
  }

  /** The result of this very training, whose folder is there already. */
  private static TrainingResult finished(
      TrainingRequest request, TrainingState.Finished there, Fingerprint fingerprint) {
    if (!there.isOf(fingerprint)) {
      throw somethingElse(request.output().folder());
    }
    boolean weighed = there.probes() != null && there.probes().size() == request.probes().size();
    return new TrainingResult(
        request.output(),
        there.metrics().stream().map(TrainingState.Row::metrics).toList(),
        there.stoppedEarly(),
        there.keptStep(),
        weighed ? there.probes() : List.of());
  }

  private static InvalidInputException somethingElse(Path folder) {
    return new InvalidInputException(
        folder
            + ": exists already and comes from something else; name another folder or delete it");
  }

  /** One training from its first or next step to its last. */
  private static final class Course {
    private final TrainingRequest request;
    private final TrainingSettings settings;
    private final ModelFolder base;
    private final TrainingProgram program;
    private final PreferenceLoss objective;
    private final List<TokenizedExample> examples;
    private final List<TokenizedExample> heldOut;
    private final List<Optional<TokenizedExample>> probes;
    private final TrainingState state;
    private final Fingerprint fingerprint;
    private final StepBatches batches;
    private final List<TrainingMetrics> done = new ArrayList<>();

    /** Of each example; nothing where the first step will say it. */
    private final List<List<Double>> reference = new ArrayList<>();

    private int bestStep;
    private double bestLoss = Double.MAX_VALUE;
    private int worse;

    Course(
        TrainingRequest request,
        ModelFolder base,
        TrainingProgram program,
        PreferenceLoss objective,
        List<TokenizedExample> examples,
        List<TokenizedExample> heldOut,
        List<Optional<TokenizedExample>> probes,
        TrainingState state,
        Fingerprint fingerprint) {
      this.request = request;
      this.settings = request.settings();
      this.base = base;
      this.program = program;
      this.objective = objective;
      this.examples = examples;
      this.heldOut = heldOut;
      this.probes = probes;
      this.state = state;
      this.fingerprint = fingerprint;
      this.batches = new StepBatches(examples, settings, request.seed());
    }

    TrainingResult run(Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
      cancellation.throwIfCancelled();
      // The base's weights are there, whatever a resume puts in their place.
      List<Double> before = weigh(program::reference);
      Optional<TrainingState.Facts> saved = state.facts(fingerprint);
      if (saved.isEmpty()) {
        if (objective.needsReference()) {
          reference.addAll(reference(cancellation));
        }
        program.prepareTraining();
        save(0);
      } else {
        program.prepareTraining();
        resume(saved.get());
      }
      state.begin(done);
      SavePace pace = new SavePace(program.stateBytes(), System.nanoTime());
      int last = done.size();
      int stored = last;
      boolean stopped = stopsEarly();
      while (last < batches.steps() && !stopped) {
        if (cancellation.isCancelled() && settings.saveEvery() > 0 && stored < last) {
          save(last);
        }
        cancellation.throwIfCancelled();
        TrainingMetrics step = step(last + 1);
        done.add(step);
        state.append(List.of(step));
        last++;
        stopped = stopsEarly();
        long now = System.nanoTime();
        if (settings.saveEvery() > 0
            && last < batches.steps()
            && (last % settings.saveEvery() == 0 || pace.isDue(now))) {
          save(last);
          stored = last;
          pace.saved(now, System.nanoTime());
        }
        metrics.accept(step);
      }
      return finish(stopped, before);
    }

    /** Σ ln p of each probe, 0 of those that are too long. */
    private List<Double> weigh(Function<PackedMicroBatch, double[]> model) {
      return probes.stream()
          .map(p -> p.map(e -> model.apply(PackedMicroBatch.of(List.of(e)))[0]).orElse(0.0))
          .toList();
    }

    private List<Probe.Result> readings(List<Double> before) {
      List<Double> after = weigh(program::score);
      List<Probe.Result> readings = new ArrayList<>();
      for (int i = 0; i < before.size(); i++) {
        int tokens = probes.get(i).map(TokenizedExample::scored).orElse(0);
        double rounding = tokens == 0 ? 0 : program.rounding(tokens);
        readings.add(new Probe.Result(before.get(i), after.get(i), tokens, rounding));
      }
      return readings;
    }

    private void resume(TrainingState.Facts facts) {
      reference.addAll(facts.reference());
      facts.metrics().forEach(row -> done.add(row.metrics()));
      bestStep = facts.bestStep();
      bestLoss = facts.bestLoss();
      worse = facts.worse();
      if (facts.step() > 0) {
        program.readState(state::load);
        program.round();
      }
    }

    private void save(int step) {
      TrainingState.Facts facts =
          new TrainingState.Facts(
              fingerprint,
              step,
              reference,
              done.stream().map(TrainingState.Row::of).toList(),
              bestStep,
              bestLoss,
              worse);
      state.save(facts, step == 0 ? List.of() : program.state());
    }

    /**
     * Σ ln p of all sequences of training and held-out examples under the starting weights, in the
     * portions of the first epoch: another portion rounds otherwise, in bf16 by as much as a step
     * changes. Where nothing is dropped the first step's own passes are the reference's.
     */
    private List<List<Double>> reference(Cancellation cancellation) {
      List<List<TokenizedExample>> portions = new ArrayList<>();
      for (int step = drops() ? 1 : 2; step <= batches.stepsPerEpoch(); step++) {
        portions.addAll(StepBatches.passes(batches.batch(step), program.passTokens()));
      }
      portions.addAll(StepBatches.passes(heldOut, program.passTokens()));
      Map<TokenizedExample, List<Double>> found = new HashMap<>();
      for (List<TokenizedExample> portion : portions) {
        cancellation.throwIfCancelled();
        double[] sums = program.reference(PackedMicroBatch.of(portion));
        for (int i = 0; i < portion.size(); i++) {
          found.put(portion.get(i), List.of(sums[i], sums[portion.size() + i]));
        }
      }
      return Stream.concat(examples.stream(), heldOut.stream())
          .map(example -> found.getOrDefault(example, List.of()))
          .toList();
    }

    private boolean drops() {
      return settings.dropout() > 0 || settings.lora().filter(l -> l.dropout() > 0).isPresent();
    }

    private TrainingMetrics step(int step) {
      List<TokenizedExample> batch = batches.batch(step);
      double weight = weight(batch);
      double share = 1.0 / batch.size();
      SplittableRandom seeds = new SplittableRandom(request.seed() ^ (step * 0x9E3779B97F4A7C15L));
      TreeMap<String, Double> values = new TreeMap<>();
      double loss = 0;
      for (List<TokenizedExample> portion : StepBatches.passes(batch, program.passTokens())) {
        PackedMicroBatch pass = PackedMicroBatch.of(portion);
        try (TrainingProgram.Forward forward = program.forward(pass, seeds.nextLong())) {
          PreferenceLoss.Scores scores = scores(portion, pass, forward.sums(), 0);
          checkFinite(step, portion, scores);
          PreferenceLoss.Value value = objective.value(scores, weight);
          loss += value.loss();
          objective.addMetrics(scores, share, values);
          forward.backward(value.slopes());
        }
      }
      double rate = LearningRate.at(settings, step, batches.steps());
      double norm = program.step(step, rate, settings.weightDecay(), settings.maxGradientNorm());
      if (!Double.isFinite(norm)) {
        throw diverged(step, "the gradient's norm is " + norm, batch);
      }
      values.put("loss", loss);
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
     * What an example's loss, or a token's for SFT, is multiplied with so that the batch has its
     * mean.
     */
    private double weight(List<TokenizedExample> batch) {
      return settings.loss() != TrainingSettings.Loss.SFT
          ? 1.0 / batch.size()
          : 1.0 / Math.max(1, batch.stream().mapToInt(TokenizedExample::scored).sum());
    }

    /** What the loss is made of; {@code first} is the offset of the portion's references. */
    private PreferenceLoss.Scores scores(
        List<TokenizedExample> portion, PackedMicroBatch pass, double[] sums, int first) {
      double[] under = new double[sums.length];
      if (objective.needsReference()) {
        for (int i = 0; i < portion.size(); i++) {
          int index = first + portion.get(i).index();
          if (reference.get(index).isEmpty()) {
            reference.set(index, List.of(sums[i], sums[portion.size() + i]));
          }
          List<Double> of = reference.get(index);
          under[i] = of.get(0);
          under[portion.size() + i] = of.get(1);
        }
      }
      double[] consistency = portion.stream().mapToDouble(TokenizedExample::consistency).toArray();
      return new PreferenceLoss.Scores(sums, under, pass.lengths(), consistency);
    }

    private void checkFinite(
        int step, List<TokenizedExample> portion, PreferenceLoss.Scores scores) {
      for (int i = 0; i < scores.sums().length; i++) {
        if (!Double.isFinite(scores.sums()[i] - scores.reference()[i])) {
          TokenizedExample example = portion.get(i % portion.size());
          throw diverged(
              step,
              "the log-probability of "
                  + (example.answers().length == 1
                      ? "the answer"
                      : i < portion.size() ? "the chosen answer" : "the rejected answer")
                  + " is "
                  + scores.sums()[i]
                  + (objective.needsReference()
                      ? " (under the reference " + scores.reference()[i] + ")"
                      : ""),
              List.of(example));
        }
      }
    }

    private TrainingDivergedException diverged(
        int step, String what, List<TokenizedExample> among) {
      return new TrainingDivergedException(
          "step " + step + ": " + what,
          among.stream().map(TokenizedExample::index).sorted().toList(),
          step == 1
              ? "Nothing was learned yet: look at the model's weights, and at what it trained on"
              : "Lower the learning rate, or look at them; another rate begins anew, when "
                  + request.stateFolder()
                  + ", which holds the last saved step, is deleted");
    }

    /** The held-out loss, without dropout; the best weights are kept. */
    private double evaluate(int step) {
      double loss = 0;
      double weight = weight(heldOut);
      for (List<TokenizedExample> portion : StepBatches.passes(heldOut, program.passTokens())) {
        PackedMicroBatch pass = PackedMicroBatch.of(portion);
        loss +=
            objective
                .value(scores(portion, pass, program.score(pass), examples.size()), weight)
                .loss();
      }
      if (loss < bestLoss) {
        bestLoss = loss;
        bestStep = step;
        worse = 0;
        state.saveBest(step, program.trained());
      } else {
        worse++;
      }
      return loss;
    }

    private boolean stopsEarly() {
      return settings.patience() > 0 && worse >= settings.patience();
    }

    private TrainingResult finish(boolean stopped, List<Double> before) {
      if (bestStep > 0 && bestStep < done.size()) {
        program.readTrained(weights -> state.loadBest(bestStep, weights));
        program.round();
      }
      if (!program.isFinite()) {
        throw diverged(done.size(), "a weight is no number", batches.batch(done.size()));
      }
      int keptStep = bestStep > 0 ? bestStep : done.size();
      List<Probe.Result> readings = readings(before);
      TrainingState.Finished finished =
          new TrainingState.Finished(
              fingerprint,
              request.base().name(),
              RecordJson.json(settings),
              request.seed(),
              examples.size(),
              stopped,
              keptStep,
              done.stream().map(TrainingState.Row::of).toList(),
              readings);
      write(finished.files());
      state.delete();
      return new TrainingResult(request.output(), done, stopped, keptStep, readings);
    }

    /** A whole model, or the adapter alone. */
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
}
