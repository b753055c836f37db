package org.autodidact.onnxruntime;

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
import org.autodidact.checkpoints.TensorInfo;

/**
 * A checkpoint loaded into ONNX Runtime. Thread-safe: each {@link DecoderStream} over it has the
 * memory of one thread's runs.
 */
final class Decoder implements AutoCloseable {
  private final OrtEnvironment environment;
  private final Session session;
  private final ModelConfig config;
  private final boolean sharesPrefixes;

  /**
   * Over {@code rounded} weights where they are there, which must outlive this; else in float32.
   *
   * @param threads that compute one run together
   * @param sharesPrefixes whether runs may attend to {@link Prefixes}
   * @param positions tokens of the longest sequence
   */
  Decoder(
      ModelFolder model,
      int threads,
      Optional<? extends RoundedWeights> rounded,
      boolean sharesPrefixes,
      int positions) {
    this.config = model.config();
    this.sharesPrefixes = sharesPrefixes;
    this.environment = Onnx.environment();
    byte[] graph = DecoderGraph.build(model, rounded, sharesPrefixes, positions);
    Map<String, OnnxTensor> given = new LinkedHashMap<>();
    try {
      this.session =
          Session.of(
              options -> {
                options.setIntraOpNumThreads(threads);
                options.setInterOpNumThreads(1);
                options.setMemoryPatternOptimization(false);
                options.addConfigEntry(
                    "session.model_external_initializers_file_folder_path",
                    weightFolder(model).toString());
                if (rounded.isPresent()) {
                  rounded.get().give(environment, given);
                  options.addExternalInitializers(Map.copyOf(given));
                }
                return environment.createSession(graph, options);
              });
    } catch (OrtException e) {
      throw new UnsupportedModelException(
          model.path() + ": ONNX Runtime refused the decoder graph: " + e.getMessage(), e);
    } finally {
      given.values().forEach(OnnxTensor::close);
    }
  }

  /** The real folder of the weight files; ONNX Runtime follows no link out of it. */
  static Path weightFolder(ModelFolder model) {
    Set<Path> folders =
        model.tensors().values().stream()
            .map(TensorInfo::file)
            .map(Path::getParent)
            .collect(Collectors.toSet());
    if (folders.size() != 1) {
      throw new InvalidInputException(
          model.path() + ": its weight files must lie in one folder, found " + folders);
    }
    return folders.iterator().next();
  }

  ModelConfig config() {
    return config;
  }

  OrtEnvironment environment() {
    return environment;
  }

  /** Whether a run can attend to {@link Prefixes} beside its own cache. */
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
