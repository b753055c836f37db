package org.autodidact.pytorch;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.pytorch.program.CpuInfo;
import org.autodidact.pytorch.program.TorchRuntime;
import org.autodidact.pytorch.program.TrainingDevice;
import org.autodidact.pytorch.program.TrainingScript;

/** Brings the trainer {@code djl-pytorch}. */
public final class PyTorchPlugin implements Plugin {
  /** What can be trained. */
  public static final BackendCapabilities CAPABILITIES = TrainingScript.CAPABILITIES;

  @Override
  public String name() {
    return "djl-pytorch";
  }

  @Override
  public List<TrainerProvider> trainers() {
    return List.of(new DjlTrainerProvider());
  }

  @Override
  public List<String> diagnose() {
    try {
      Engine engine = TorchRuntime.engine();
      return List.of(
          "libtorch "
              + engine.getVersion()
              + " loaded, "
              + JniUtils.getNumThreads()
              + " threads by default",
          "trainer 'djl-pytorch' uses: "
              + (TrainingDevice.hasCuda()
                  ? "a GPU by CUDA"
                  : "CPU (CUDA: this libtorch sees no GPU)")
              + ", float32, or products in bf16"
              + (CpuInfo.hasBf16()
                  ? ""
                  : ", which this processor has no instructions for: slower"));
    } catch (LinkageError | RuntimeException e) {
      return List.of("libtorch does not load here: " + e);
    }
  }

  @Override
  public List<String> diagnose(Checkpoint model) {
    ModelConfig config = ConfigReader.read(model.folder());
    List<String> lines = new ArrayList<>(List.of(CAPABILITIES.verdict(config)));
    if (CAPABILITIES.supports(config)) {
      lines.addAll(TrainingEstimate.lines(config));
    }
    return lines;
  }

  private static final class DjlTrainerProvider implements TrainerProvider {
    private static final Set<Precision> PRECISIONS =
        Set.of(Precision.AUTO, Precision.FP32, Precision.BF16);

    @Override
    public String name() {
      return "djl-pytorch";
    }

    @Override
    public TrainerCapabilities capabilities() {
      return new TrainerCapabilities(
          Set.copyOf(Loss.KNOWN),
          Set.copyOf(Optimizer.KNOWN),
          EnumSet.complementOf(EnumSet.of(Feature.MODEL_REFERENCES)));
    }

    @Override
    public Trainer create(TrainerContext context) {
      ComputeSettings settings = context.compute();
      if (!PRECISIONS.contains(settings.precision())) {
        throw new UnsupportedModelException(
            "precision "
                + settings.precision()
                + " is not there in the trainer 'djl-pytorch'; use fp32, bf16 or auto");
      }
      if (settings.device() != ComputeSettings.Device.AUTO) {
        TrainingDevice.of(settings.device()); // what is not there is said at once
      }
      return new DjlTrainer(settings, context.clock());
    }
  }
}
