package org.autodidact.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.gpu.ExecutionProviders;
import org.autodidact.onnxruntime.gpu.GpuGenerator;
import org.autodidact.onnxruntime.gpu.GpuSessions;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.vectors.VectorSupport;

/** Plugin with the generator {@code onnxruntime} and the judge {@code reward-model}. */
public final class OnnxRuntimePlugin implements Plugin {
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
          "8-bit products: "
              + (Int8MatMulCheck.isExact()
                  ? "unsigned × signed, exact on this processor"
                  : "unsigned × signed; this processor adds two in 16 bits, so weights are rounded to fit"));
      lines.add(
          "8 bits between the products: "
              + (VectorSupport.available()
                  ? "by the JVM's vectors"
                  : "by ONNX Runtime; faster with java --add-modules jdk.incubator.vector"));
      lines.addAll(ExecutionProviders.diagnose());
    } catch (LinkageError | RuntimeException e) {
      lines.add("ONNX Runtime does not load here: " + e);
    }
    return lines;
  }

  private static final class OnnxGeneratorProvider implements GeneratorProvider {
    @Override
    public String name() {
      return "onnxruntime";
    }

    @Override
    public void check(Checkpoint checkpoint) {
      ModelFolder.open(checkpoint.folder()).close();
    }

    @Override
    public Generator open(Checkpoint checkpoint, ComputeSettings settings) {
      return open(checkpoint, settings, new Cancellation());
    }

    @Override
    public Generator open(
        Checkpoint checkpoint, ComputeSettings settings, Cancellation cancellation) {
      ComputeSettings.Provider provider =
          ExecutionProviders.choose(
              settings.provider(), OrtRuntime.availableProviders(), ExecutionProviders::missing);
      if (provider != ComputeSettings.Provider.CPU) {
        return GpuGenerator.open(checkpoint, settings, GpuSessions.of(provider));
      }
      return switch (settings.precision()) {
        case AUTO, FP32, INT8, INT8_WEIGHTS ->
            CpuGenerator.open(checkpoint, settings, cancellation);
        case INT4 ->
            throw new UnsupportedModelException(
                "precision int4 is not there: four bits cost this project's reference model 15 to 33"
                    + " per cent of its perplexity (docs/measurements.md); use int8, fp32 or auto");
        case BF16 ->
            throw new UnsupportedModelException(
                "precision bf16 is not there: ONNX Runtime's CPU has no decoder's products in it"
                    + " (docs/decisions.md); use int8, fp32 or auto");
      };
    }
  }
}
