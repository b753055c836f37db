package org.autodidact.onnxruntime.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.autodidact.checkpoints.natives.NativeLibraries;

/** Loads ONNX Runtime, once for the process. */
public final class OrtRuntime {
  /** The native libraries; those for GPUs are in another jar. */
  private static final List<String> FILES =
      List.of(
          "onnxruntime",
          "onnxruntime4j_jni",
          "onnxruntime_providers_shared",
          "onnxruntime_providers_cuda",
          "onnxruntime_providers_tensorrt");

  private static final String FOLDER_PROPERTY = "onnxruntime.native.path";

  private OrtRuntime() {}

  /** The environment, which logs errors only. */
  public static OrtEnvironment environment() {
    return Loaded.ENVIRONMENT;
  }

  /**
   * The folder of the cache with this platform's native libraries of the jar, for those who load
   * them otherwise than by Java's ONNX Runtime; empty where there is no such jar or cache.
   */
  public static Optional<Path> nativeFolder() {
    return NativeLibraries.load(
        List.of(library()),
        () -> Optional.ofNullable(System.getProperty(FOLDER_PROPERTY)).map(Path::of));
  }

  private static NativeLibraries.Library library() {
    return NativeLibraries.Library.unpacked(
        "onnxruntime",
        OrtEnvironment.class.getClassLoader(),
        FILES.stream().map(file -> folder() + System.mapLibraryName(file)).toList(),
        FOLDER_PROPERTY,
        "onnxruntime.native.onnxruntime.path",
        "onnxruntime.native.onnxruntime.skip");
  }

  /** The folder of this platform in the library's jar. */
  private static String folder() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return "ai/onnxruntime/native/"
        + (os.contains("mac") ? "osx" : os.contains("win") ? "win" : "linux")
        + (arch.equals("amd64") || arch.equals("x86_64") ? "-x64/" : "-" + arch + "/");
  }

  /** The execution providers that this ONNX Runtime has. */
  public static EnumSet<OrtProvider> availableProviders() {
    Loaded.ENVIRONMENT
        .getVersion(); // loads the library from the cache, before ONNX Runtime unpacks it
    return OrtEnvironment.getAvailableProviders();
  }

  /** Holder whose initialization loads ONNX Runtime. */
  private static final class Loaded {
    static final OrtEnvironment ENVIRONMENT =
        NativeLibraries.load(
            List.of(library()),
            () -> {
              OrtEnvironment environment =
                  OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
              deleteEmptyFolder();
              return environment;
            });

    /**
     * Deletes ONNX Runtime's temporary folder for unpacked libraries, which it would keep until the
     * JVM ends; it is empty, as the libraries are in the cache.
     */
    private static void deleteEmptyFolder() {
      try {
        Field field = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("tempDirectory");
        field.setAccessible(true);
        if (field.get(null) instanceof Path folder) {
          Files.deleteIfExists(folder);
        }
      } catch (ReflectiveOperationException | IOException | RuntimeException e) {
        // Not empty, or named otherwise in another version: deleted when the JVM ends.
      }
    }
  }
}
