package org.autodidact.onnxruntime.graph;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;

/**
 * A checkpoint's decoder graph loaded into ONNX Runtime. Thread-safe: each {@link GraphSession}
 * over it has buffers of its own.
 */
public final class OrtDecoder implements AutoCloseable {
  private final OwnedSession session;
  private final ModelConfig config;
  private final boolean sharesPrefixes;

  /**
   * Loads a decoder over quantized weights, which must outlive it, or in float32.
   *
   * @param threads of one run
   * @param sharesPrefixes whether runs may attend to {@link SharedPrefixes}
   * @param positions tokens of the longest sequence
   */
  public OrtDecoder(
      ModelFolder model,
      int threads,
      Optional<? extends QuantizedWeights> quantized,
      boolean sharesPrefixes,
      int positions) {
    this.config = model.config();
    this.sharesPrefixes = sharesPrefixes;
    OrtEnvironment environment = OrtRuntime.environment();
    byte[] graph = DecoderGraph.build(model, quantized, sharesPrefixes, positions);
    Map<String, OnnxTensor> initializers = new LinkedHashMap<>();
    try {
      this.session =
          OwnedSession.of(
              options -> {
                options.setIntraOpNumThreads(threads);
                options.setInterOpNumThreads(1);
                options.setMemoryPatternOptimization(false);
                options.addConfigEntry(
                    "session.model_external_initializers_file_folder_path",
                    weightFolder(model).toString());
                if (quantized.isPresent()) {
                  quantized.get().addInitializers(environment, initializers);
                  options.addExternalInitializers(Map.copyOf(initializers));
                }
                return environment.createSession(graph, options);
              });
    } catch (OrtException e) {
      throw new UnsupportedModelException(
          model.path() + ": ONNX Runtime refused the decoder graph: " + e.getMessage(), e);
    } finally {
      initializers.values().forEach(OnnxTensor::close);
    }
  }

  /** The folder of the weight files, links resolved; ONNX Runtime follows no link out of it. */
  public static Path weightFolder(ModelFolder model) {
    Set<Path> folders =
        model.tensors().values().stream()
            .map(TensorInfo::file)
            .map(Path::getParent)
            .collect(Collectors.toSet());
    if (folders.size() != 1) {
      throw new InvalidInputException(
          model.path() + ": its weight files must be in one folder, found " + folders);
    }
    return folders.iterator().next();
  }

  public ModelConfig config() {
    return config;
  }

  /** Whether a run can attend to {@link SharedPrefixes} beside its own cache. */
  boolean sharesPrefixes() {
    return sharesPrefixes;
  }

  /** One run; tensors must stay reachable until it ends. */
  void run(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) throws OrtException {
    session.run(inputs, outputs);
  }

  @Override
  public void close() {
    session.close();
  }
}
