package org.autodidact.pytorch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.pytorch.data.TokenizedRequest;
import org.autodidact.pytorch.program.CpuInfo;
import org.autodidact.pytorch.program.TorchRuntime;
import org.autodidact.pytorch.program.TrainingDevice;
import org.autodidact.pytorch.program.TrainingProgram;
import org.autodidact.pytorch.program.TrainingScript;
import org.autodidact.pytorch.state.Fingerprint;
import org.autodidact.pytorch.state.FinishedTraining;
import org.autodidact.pytorch.state.TrainingState;

/**
 * Trains all parameters or a LoRA adapter with libtorch, in float32 or with matrix products in bf16
 * and float32 weights. The reference's log-probabilities are computed once, by the same program
 * from the same weights: before the first step, or in it, where there is no dropout. Dropout, where
 * it is on, applies to what attention and MLP add to the residual stream.
 */
public final class DjlTrainer implements Trainer {
  private final ComputeSettings settings;
  private final Clock clock;
  private final Function<ComputeSettings.Device, TrainingDevice> devices;
  private final boolean bf16;

  public DjlTrainer(ComputeSettings settings) {
    this(settings, Clock.systemDefaultZone());
  }

  /**
   * @param clock the time that a chat template may write
   */
  public DjlTrainer(ComputeSettings settings, Clock clock) {
    this(settings, clock, TrainingDevice::of);
  }

  /**
   * @param devices chooses the device; tests have a GPU's program run on the CPU
   */
  DjlTrainer(
      ComputeSettings settings,
      Clock clock,
      Function<ComputeSettings.Device, TrainingDevice> devices) {
    this.settings = settings;
    this.clock = clock;
    this.devices = devices;
    this.bf16 = settings.precision().equals(ComputeSettings.Precision.BF16);
  }

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    if (request.examples().isEmpty()) {
      throw new InvalidInputException("there is no example to train on; give at least one");
    }
    Path output = request.output().folder();
    Optional<FinishedTraining> there = FinishedTraining.read(output);
    if (there.isEmpty() && Files.exists(output)) {
      throw alreadyExists(output);
    }
    try (TrainingState state = TrainingState.open(request.stateFolder())) {
      return train(request, there, state, metrics, cancellation);
    }
  }

  private TrainingResult train(
      TrainingRequest request,
      Optional<FinishedTraining> there,
      TrainingState state,
      Consumer<TrainingMetrics> metrics,
      Cancellation cancellation) {
    // Starts, while the base is opened and its weights are read for their hash.
    try (Background<Optional<Engine>> engine =
            Background.start(
                "autodidact-libtorch",
                stopped -> there.isPresent() ? Optional.empty() : Optional.of(startEngine()));
        ModelFolder base = ModelFolder.open(request.base().folder(), clock);
        Background<Fingerprint> fingerprint =
            Background.start(
                "autodidact-fingerprint",
                stopped -> Fingerprint.of(request, base, bf16, stopped))) {
      TokenizedRequest tokenized = TokenizedRequest.of(request, base);
      if (there.isPresent()) {
        TrainingResult finished = finished(request, there.get(), fingerprint.get());
        state.delete();
        return finished;
      }
      engine.get();
      TrainingDevice device = devices.apply(settings.device());
      if (bf16 && device == TrainingDevice.CPU && !CpuInfo.hasBf16()) {
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
              device,
              tokenized.longestSequence(),
              settings.effectiveThreads(),
              request.seed())) {
        return new TrainingLoop(request, base, program, tokenized, state, fingerprint.get())
            .run(metrics, cancellation);
      } catch (EngineException e) {
        throw explained(e);
      }
    }
  }

  /** Loads libtorch, and opens the GPU where one is to be used. */
  private Engine startEngine() {
    Engine engine = TorchRuntime.engine();
    if (settings.device() != ComputeSettings.Device.CPU && TrainingDevice.hasCuda()) {
      TrainingDevice.of(settings.device()).warmUp();
    }
    return engine;
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
      TrainingRequest request, FinishedTraining there, Fingerprint fingerprint) {
    if (!there.isOf(fingerprint)) {
      throw alreadyExists(request.output().folder());
    }
    boolean hasProbes = there.probes() != null && there.probes().size() == request.probes().size();
    return new TrainingResult(
        request.output(),
        there.metrics().stream().map(TrainingState.Row::metrics).toList(),
        there.stoppedEarly(),
        there.keptStep(),
        hasProbes ? there.probes() : List.of());
  }

  private static InvalidInputException alreadyExists(Path folder) {
    return new InvalidInputException(
        folder
            + ": exists already and comes from something else; name another folder or delete it");
  }
}
