package org.autodidact.onnxruntime.gpu;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.CacheFolder;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.ort.OwnedSession;

/** Opens ONNX graphs on an execution provider. Thread-safe. TensorRT is unmeasured. */
public final class GpuSessions {
  private final Device provider;
  private final TensorRtCache engines;

  /** {@link Device#CPU} is for tests. */
  public GpuSessions(Device provider, TensorRtCache engines) {
    this.provider = provider;
    this.engines = engines;
  }

  /** Sessions with the user's cache of TensorRT engines. */
  public static GpuSessions of(Device provider) {
    return new GpuSessions(
        provider,
        new TensorRtCache(
            CacheFolder.of(CacheFolder.TENSORRT),
            "ONNX Runtime " + OrtRuntime.environment().getVersion()));
  }

  /**
   * TensorRT's optimization profile: shapes of each input, as in {@code input_ids:1x1,rows:1}.
   *
   * @param optimal the shapes that it is fastest for
   */
  record Shapes(String min, String optimal, String max) {}

  boolean buildsEngines() {
    return provider == Device.TENSORRT;
  }

  /** Opens a graph with a loop, on CUDA where TensorRT is asked for, which takes no loops. */
  public OwnedSession open(ModelFolder model, byte[] graph) {
    try {
      Device loops = provider == Device.TENSORRT ? Device.CUDA : provider;
      return session(model, graph, loops, Map.of());
    } catch (OrtException e) {
      throw refused(model, e);
    }
  }

  /** Opens a graph whose inputs have these shapes; TensorRT builds an engine once. */
  public OwnedSession open(ModelFolder model, byte[] graph, Shapes shapes) {
    if (!buildsEngines()) {
      return open(model, graph);
    }
    try {
      return engines.open(
          key(model, graph, shapes),
          folder -> session(model, graph, provider, settings(folder, shapes)));
    } catch (OrtException e) {
      throw refused(model, e);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AutodidactException("TensorRT's engines could not be opened: " + e, e);
    }
  }

  /** Options of TensorRT's execution provider. */
  static Map<String, String> settings(Path engines, Shapes shapes) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("trt_engine_cache_enable", "1");
    settings.put("trt_engine_cache_path", engines.toString());
    settings.put("trt_timing_cache_enable", "1");
    settings.put("trt_timing_cache_path", engines.toString());
    settings.put("trt_profile_min_shapes", shapes.min());
    settings.put("trt_profile_opt_shapes", shapes.optimal());
    settings.put("trt_profile_max_shapes", shapes.max());
    return settings;
  }

  private static OwnedSession session(
      ModelFolder model, byte[] graph, Device provider, Map<String, String> tensorRtSettings)
      throws OrtException {
    OrtEnvironment environment = OrtRuntime.environment();
    return OwnedSession.of(
        options -> {
          options.addConfigEntry(
              "session.model_external_initializers_file_folder_path",
              OrtDecoder.weightFolder(model).toString());
          ExecutionProviders.add(options, provider, tensorRtSettings);
          return environment.createSession(graph, options);
        });
  }

  private static final int KEY_LENGTH = 32;

  /**
   * Names engines by their contents. ONNX Runtime's own names leave the weights out, so that a
   * checkpoint would be answered by the engine of the one before it.
   */
  static String key(ModelFolder model, byte[] graph, Shapes shapes) {
    MessageDigest digest = Sha256.digest();
    digest.update(graph);
    digest.update(shapes.toString().getBytes(StandardCharsets.UTF_8));
    model.tensors().values().stream()
        .map(TensorInfo::file)
        .distinct()
        .sorted()
        .forEach(file -> Sha256.update(digest, file, () -> {}));
    return Sha256.text(digest).substring(0, KEY_LENGTH);
  }

  private static UnsupportedModelException refused(ModelFolder model, OrtException e) {
    return new UnsupportedModelException(
        model.path() + ": ONNX Runtime refused the graph: " + e.getMessage(), e);
  }
}
