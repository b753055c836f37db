package org.autodidact.gpu;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.decode.StepGenerator;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.graph.StepGraph;
import org.autodidact.gpu.memory.CudaDevice;
import org.autodidact.gpu.memory.CudaRuntime;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.OrtEnvironment;
import org.autodidact.gpu.ort.OrtFailure;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.gpu.ort.OrtSessionOptions;

/** Plugin with the generator {@code onnxruntime-gpu}. Its work on a GPU is unmeasured. */
public final class OnnxRuntimeGpuPlugin implements Plugin {
  private static final System.Logger LOGGER =
      System.getLogger(OnnxRuntimeGpuPlugin.class.getName());

  /** Half precision, beside those that the API names. */
  public static final Precision FP16 = new Precision("fp16");

  @Override
  public String name() {
    return "onnxruntime-gpu";
  }

  @Override
  public List<GeneratorProvider> generators() {
    return List.of(new Provider());
  }

  @Override
  public List<String> diagnose() {
    List<String> lines = new ArrayList<>();
    try {
      OrtLibrary library = OrtLibrary.load(Optional.empty());
      lines.add(
          "ONNX Runtime "
              + library.version()
              + " by foreign functions: "
              + library.availableProviders());
      lines.add(
          "CUDA by foreign functions: "
              + cudaMissing(library, Optional.empty()).orElse("starts here; unmeasured"));
      lines.add(
          "TensorRT by foreign functions: "
              + tensorRtMissing(library).orElse("its libraries load here; unmeasured"));
    } catch (AutodidactException | LinkageError e) {
      lines.add("foreign functions: " + e.getMessage());
    }
    return lines;
  }

  @Override
  public List<String> diagnose(Checkpoint model) {
    return List.of(
        "generation by "
            + StepGraph.capabilities("onnxruntime-gpu").verdict(ConfigReader.read(model.folder())));
  }

  /** Why CUDA cannot be used; empty where it can. */
  private static Optional<String> cudaMissing(OrtLibrary library, Optional<Path> runtime) {
    if (!library.hasCuda()) {
      return Optional.of(
          library.file()
              + " is an ONNX Runtime without CUDA; put com.microsoft.onnxruntime:onnxruntime_gpu"
              + " first on the class path, or let the option 'library' name another");
    }
    try {
      CudaRuntime.load(runtime);
      return Optional.empty();
    } catch (UnsupportedModelException e) {
      return Optional.of(e.getMessage());
    }
  }

  /** Why TensorRT cannot be used where CUDA can; empty where its libraries load. */
  private static Optional<String> tensorRtMissing(OrtLibrary library) {
    if (!library.hasTensorRt()) {
      return Optional.of(library.file() + " is an ONNX Runtime without TensorRT");
    }
    try (OrtEnvironment environment = new OrtEnvironment(library);
        OrtSessionOptions options = new OrtSessionOptions(environment.library())) {
      // Without an environment ONNX Runtime fails before it says why.
      options.tensorRt(Map.of(), MemorySegment.NULL);
      return Optional.empty();
    } catch (OrtFailure e) {
      return Optional.of(
          "TensorRT does not load; it needs libnvinfer.so.10 and libnvonnxparser.so.10 beside CUDA's"
              + " libraries: "
              + e.getMessage());
    }
  }

  /**
   * Options of the generator.
   *
   * @param library of ONNX Runtime; empty for that of its jar
   * @param cudaRuntime libcudart.so; empty for the system's
   * @param slots sequences at a time, at most
   * @param stepsPerRead steps between two readings of the log
   * @param likeliest tokens that a step sorts
   * @param keepGraphs whether the next checkpoint is handed over by a copy
   */
  public record Options(
      @Setting("ONNX Runtime's libonnxruntime.so; by default that of its jar")
          Optional<Path> library,
      @Setting("CUDA's libcudart.so; by default the one that the system finds")
          Optional<Path> cudaRuntime,
      @Setting(
              value = "sequences that are decoded at a time, at most; a power of two is used",
              range = "[1, 1024]",
              byDefault = "256")
          int slots,
      @Setting(
              value = "steps that are launched before the host reads what was sampled",
              range = "[1, 64]",
              byDefault = "8")
          int stepsPerRead,
      @Setting(
              value = "likeliest tokens that a step sorts; tokens do not depend on it",
              range = "[1, 4096]",
              byDefault = "256")
          int likeliest,
      @Setting(
              value =
                  "whether memory and graphs stay after closing, for the next checkpoint of the"
                      + " same architecture, until the process ends",
              byDefault = "false")
          boolean keepGraphs) {}

  private static final class Provider implements GeneratorProvider {
    @Override
    public String name() {
      return "onnxruntime-gpu";
    }

    @Override
    public Class<? extends Record> optionsType() {
      return Options.class;
    }

    @Override
    public Set<GeneratorCapability> capabilities() {
      return EnumSet.complementOf(
          EnumSet.of(GeneratorCapability.MODEL_REFERENCES, GeneratorCapability.REPETITION_PENALTY));
    }

    @Override
    public void check(GeneratorContext context) {
      Options options = context.options().read(Options.class);
      OrtLibrary library = OrtLibrary.load(options.library());
      type(context.compute(), choose(context.compute(), options, library));
      try (ModelFolder model = ModelFolder.open(context.checkpoint().folder())) {
        StepGenerator.check(model);
      }
    }

    @Override
    public Generator open(GeneratorContext context) {
      context.cancellation().throwIfCancelled();
      Options options = context.options().read(Options.class);
      OrtLibrary library = OrtLibrary.load(options.library());
      ComputeSettings.Device device = choose(context.compute(), options, library);
      ElementType type = type(context.compute(), device);
      boolean tensorRt = device == ComputeSettings.Device.TENSORRT;
      ModelFolder model = ModelFolder.open(context.checkpoint().folder(), context.clock());
      try {
        StepGenerator.check(model);
        Supplier<Device> opening =
            device == ComputeSettings.Device.CPU
                ? () -> new HostDevice(context.compute().effectiveThreads())
                : () -> new CudaDevice(CudaRuntime.load(options.cudaRuntime()), tensorRt);
        return StepGenerator.open(
            model,
            new StepGenerator.Place(
                library,
                Settings.name(device),
                opening,
                type,
                tensorRt ? Operators.PLAIN : Operators.FUSED),
            new StepGenerator.Decoding(
                options.slots(), options.stepsPerRead(), options.likeliest()),
            context.compute(),
            options.keepGraphs());
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }

    /** The device to use; says why it is not a faster one. */
    private static ComputeSettings.Device choose(
        ComputeSettings compute, Options options, OrtLibrary library) {
      Optional<String> missing = Optional.empty();
      if (compute.device() != ComputeSettings.Device.CPU) {
        missing = cudaMissing(library, options.cudaRuntime());
      }
      return switch (compute.device()) {
        case CPU -> compute.device();
        case TENSORRT -> required(compute.device(), missing.or(() -> tensorRtMissing(library)));
        case CUDA -> required(compute.device(), missing);
        case AUTO -> {
          if (missing.isEmpty()) {
            LOGGER.log(
                System.Logger.Level.INFO,
                "device auto: computing by cuda, not by tensorrt: "
                    + tensorRtMissing(library)
                        .orElse("that it is faster is not measured; device tensorrt asks for it"));
            yield ComputeSettings.Device.CUDA;
          }
          LOGGER.log(
              System.Logger.Level.WARNING,
              "device auto: computing on the CPU, where the generator onnxruntime is faster, as"
                  + " cuda cannot be used: "
                  + missing.get());
          yield ComputeSettings.Device.CPU;
        }
      };
    }

    private static ComputeSettings.Device required(
        ComputeSettings.Device device, Optional<String> missing) {
      missing.ifPresent(
          why -> {
            throw new UnsupportedModelException(
                "device " + Settings.name(device) + " cannot be used: " + why);
          });
      return device;
    }

    /** The numbers' type; refuses what the device does not compute. */
    private static ElementType type(ComputeSettings compute, ComputeSettings.Device device) {
      boolean cuda = device != ComputeSettings.Device.CPU;
      Precision precision = compute.precision();
      if (precision.equals(Precision.AUTO)) {
        return cuda ? ElementType.BFLOAT16 : ElementType.FLOAT;
      }
      if (precision.equals(Precision.FP32) && !cuda) {
        return ElementType.FLOAT;
      }
      if (precision.equals(Precision.BF16) && cuda) {
        return ElementType.BFLOAT16;
      }
      if (precision.equals(FP16)) {
        return ElementType.FLOAT16;
      }
      throw new UnsupportedModelException(
          "precision "
              + precision
              + " is not supported by the generator onnxruntime-gpu on "
              + (cuda
                  ? Settings.name(device)
                      + ", where attention has 16 bits: use bf16 or fp16, or the generator"
                      + " onnxruntime for fp32"
                  : "the CPU: use fp32 or auto, or fp16, which is computed by casts there"));
    }
  }
}
