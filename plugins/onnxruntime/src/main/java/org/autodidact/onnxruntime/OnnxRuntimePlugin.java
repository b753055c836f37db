package org.autodidact.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Plugin;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.cpu.CpuEstimate;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.gpu.ExecutionProviders;
import org.autodidact.onnxruntime.gpu.GpuDecoderLayers;
import org.autodidact.onnxruntime.gpu.GpuGenerator;
import org.autodidact.onnxruntime.gpu.GpuSessions;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.vector.VectorWeights;
import org.autodidact.vectors.VectorSupport;

/** Plugin with the generator {@code onnxruntime} and the judge {@code reward-model}. */
public final class OnnxRuntimePlugin implements Plugin {
  /** What each back end computes, the plainest first. */
  public static final List<BackendCapabilities> CAPABILITIES =
      List.of(
          DecoderGraph.CAPABILITIES,
          Int8Weights.CAPABILITIES,
          VectorWeights.CAPABILITIES,
          BlockInt8Weights.CAPABILITIES,
          GpuDecoderLayers.CAPABILITIES);

  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public List<GeneratorProvider> generators() {
    return List.of(new OnnxGeneratorProvider());
  }

  @Override
  public List<JudgeProvider> judges() {
    return List.of(RewardModelJudge.PROVIDER);
  }

  @Override
  public List<String> diagnose() {
    List<String> lines = new ArrayList<>();
    try {
      OrtEnvironment environment = OrtRuntime.environment();
      lines.add("ONNX Runtime " + environment.getVersion() + " loaded");
      lines.add("execution providers: " + OrtRuntime.availableProviders());
      lines.add(
          "int8 matrix products: "
              + (Int8MatMulCheck.isExact()
                  ? "unsigned × signed, exact on this processor"
                  : "unsigned × signed; this processor adds two in 16 bits, so weights are limited to fit"));
      lines.add(
          "int8 between the matrix products: "
              + (VectorSupport.available()
                  ? "with the Vector API"
                  : "by ONNX Runtime; faster with java --add-modules jdk.incubator.vector"));
      lines.addAll(ExecutionProviders.diagnose());
    } catch (LinkageError | RuntimeException e) {
      lines.add("ONNX Runtime does not load here: " + e);
    }
    return lines;
  }

  @Override
  public List<String> diagnose(Checkpoint model) {
    ModelConfig config = ConfigReader.read(model.folder());
    List<String> lines = new ArrayList<>();
    CAPABILITIES.forEach(c -> lines.add("generation in " + c.verdict(config)));
    lines.addAll(CpuEstimate.lines(config));
    return lines;
  }

  private static final class OnnxGeneratorProvider implements GeneratorProvider {
    @Override
    public String name() {
      return "onnxruntime";
    }

    @Override
    public Set<GeneratorCapability> capabilities() {
      // A GPU has no repetition penalty; what not all devices have is not claimed.
      return EnumSet.complementOf(
          EnumSet.of(GeneratorCapability.MODEL_REFERENCES, GeneratorCapability.REPETITION_PENALTY));
    }

    @Override
    public void check(GeneratorContext context) {
      ComputeSettings settings = context.compute();
      boolean cpu = device(settings) == ComputeSettings.Device.CPU;
      if (cpu) {
        CpuGenerator.check(settings);
      } else {
        GpuGenerator.check(settings);
      }
      try (ModelFolder model = ModelFolder.open(context.checkpoint().folder())) {
        if (cpu) {
          CpuGenerator.check(model, settings);
        } else {
          GpuGenerator.check(model);
        }
      }
    }

    private static ComputeSettings.Device device(ComputeSettings settings) {
      return ExecutionProviders.choose(
          settings.device(), OrtRuntime.availableProviders(), ExecutionProviders::missing);
    }

    @Override
    public Generator open(GeneratorContext context) {
      ComputeSettings.Device device = device(context.compute());
      return device == ComputeSettings.Device.CPU
          ? CpuGenerator.open(context)
          : GpuGenerator.open(context, GpuSessions.of(device));
    }
  }
}
