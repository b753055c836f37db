package org.autodidact.onnxruntime.gpu;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import ai.onnxruntime.providers.OrtTensorRTProviderOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.Settings;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunTensors;

/** Finds and chooses ONNX Runtime's execution providers. */
public final class ExecutionProviders {
  private static final System.Logger LOGGER = System.getLogger(ExecutionProviders.class.getName());

  private ExecutionProviders() {}

  /**
   * The provider to use. Automatic is CUDA where ONNX Runtime has it and it starts, else the CPU; a
   * warning says where it does not start.
   *
   * @param builtIn providers of this ONNX Runtime
   * @param missing why a provider cannot be used, empty where it can
   */
  public static Device choose(
      Device wanted, Set<OrtProvider> builtIn, Function<Device, Optional<String>> missing) {
    if (wanted == Device.CPU) {
      return wanted;
    }
    if (wanted == Device.AUTO) {
      if (!builtIn.contains(OrtProvider.CUDA)) {
        return Device.CPU;
      }
      Optional<String> why = missing.apply(Device.CUDA);
      why.ifPresent(
          reason ->
              LOGGER.log(
                  System.Logger.Level.WARNING,
                  "device auto: computing on the CPU, as cuda " + reason));
      return why.isPresent() ? Device.CPU : Device.CUDA;
    }
    missing
        .apply(wanted)
        .ifPresent(
            reason -> {
              throw new UnsupportedModelException(
                  "device " + Settings.name(wanted) + " " + reason + "; or use device cpu");
            });
    return wanted;
  }

  /** Why a provider cannot be used here; empty where it can. Starts it to find out. */
  public static Optional<String> missing(Device provider) {
    OrtEnvironment environment =
        OrtRuntime.environment(); // without one, options fail before they say why
    OrtProvider name = provider == Device.CUDA ? OrtProvider.CUDA : OrtProvider.TENSOR_RT;
    if (!OrtRuntime.availableProviders().contains(name)) {
      return Optional.of(
          "is not in this ONNX Runtime, which has "
              + OrtRuntime.availableProviders()
              + "; put the jar com.microsoft.onnxruntime:onnxruntime_gpu:"
              + environment.getVersion()
              + " on the class path before the one that is there");
    }
    try {
      tryOut(environment, provider);
      return Optional.empty();
    } catch (OrtException e) {
      return Optional.of(
          "is in this ONNX Runtime but does not start, its driver, CUDA or cuDNN may be missing: "
              + reason(e));
    }
  }

  /** The message without ONNX Runtime's source locations. */
  private static String reason(OrtException e) {
    return e.getMessage()
        .lines()
        .findFirst()
        .orElse("")
        .replaceFirst(".*\\[ONNXRuntimeError] : \\d+ : \\w+ : ", "");
  }

  /** Runs a graph of one addition. */
  private static void tryOut(OrtEnvironment environment, Device provider) throws OrtException {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("x", DataType.FLOAT, 1);
    graph.node("", "Add", List.of("x", "x"), List.of("y"));
    graph.output("y", DataType.FLOAT, 1);
    try (OwnedSession session =
            OwnedSession.of(
                options -> {
                  add(options, provider, Map.of());
                  return environment.createSession(graph.toModel(), options);
                });
        RunTensors tensors = new RunTensors()) {
      tensors.input("x", new float[] {1}, 1);
      session.run(tensors.inputs()).close();
    }
  }

  /** Adds a provider to a session; operators it lacks fall back to CUDA, then to the CPU. */
  static void add(
      OrtSession.SessionOptions options, Device provider, Map<String, String> tensorRtSettings)
      throws OrtException {
    if (provider == Device.TENSORRT) {
      try (OrtTensorRTProviderOptions tensorRt = new OrtTensorRTProviderOptions()) {
        for (Map.Entry<String, String> setting : tensorRtSettings.entrySet()) {
          tensorRt.add(setting.getKey(), setting.getValue());
        }
        options.addTensorrt(tensorRt);
      }
    }
    if (provider != Device.CPU) {
      try (OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions()) {
        // TF32 has 10 bits where float32 has 23.
        cuda.add("use_tf32", "0");
        options.addCUDA(cuda);
      }
    }
  }

  /** A line for each provider, for {@code doctor}. */
  public static List<String> diagnose() {
    List<String> lines = new ArrayList<>();
    for (Device provider : List.of(Device.CUDA, Device.TENSORRT)) {
      lines.add(
          "device "
              + Settings.name(provider)
              + ": "
              + missing(provider)
                  .orElse(
                      provider == Device.CUDA
                          ? "starts here"
                          : "starts here; its speed is unmeasured, and so is what it generates"));
    }
    return lines;
  }
}
