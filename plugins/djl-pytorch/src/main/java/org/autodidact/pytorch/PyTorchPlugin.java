package org.autodidact.pytorch;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import java.util.List;
import java.util.Locale;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ConfigReader;
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
    return List.of(CAPABILITIES.verdict(ConfigReader.read(model.folder())));
  }

  private static final class DjlTrainerProvider implements TrainerProvider {
    @Override
    public String name() {
      return "djl-pytorch";
    }

    @Override
    public Trainer create(ComputeSettings settings) {
      return switch (settings.precision()) {
        case AUTO, FP32, BF16 -> {
          if (settings.device() != ComputeSettings.Device.AUTO) {
            TrainingDevice.of(settings.device()); // what is not there is said at once
          }
          yield new DjlTrainer(settings);
        }
        case INT8, INT8_WEIGHTS ->
            throw new UnsupportedModelException(
                "precision "
                    + settings.precision().name().toLowerCase(Locale.ROOT)
                    + " is not there in the trainer 'djl-pytorch'; use fp32, bf16 or auto");
      };
    }
  }
}
