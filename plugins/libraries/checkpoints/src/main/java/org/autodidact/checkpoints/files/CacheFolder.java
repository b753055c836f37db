package org.autodidact.checkpoints.files;

import java.nio.file.Path;

/**
 * Where what can be made again is kept between processes: {@code autodidact} in {@code
 * XDG_CACHE_HOME}, or in {@code ~/.cache}; the system property {@code autodidact.cache} names
 * another folder.
 */
public final class CacheFolder {
  /** Imported GGUF files. */
  public static final String IMPORTED = "imported";

  /** Weights in 8 bits, as the CPU multiplies them. */
  public static final String QUANTIZED = "quantized";

  /** Native libraries, unpacked. */
  public static final String NATIVES = "natives";

  /** TensorRT's engines. */
  public static final String TENSORRT = "tensorrt";

  private CacheFolder() {}

  /** The whole cache; it need not be there. */
  public static Path root() {
    String own = System.getProperty("autodidact.cache", "");
    if (!own.isEmpty()) {
      return Path.of(own).toAbsolutePath();
    }
    String set = System.getenv("XDG_CACHE_HOME");
    Path home =
        set == null || set.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(set);
    return home.toAbsolutePath().resolve("autodidact");
  }

  /** A part of the cache, as {@link #IMPORTED}. */
  public static Path of(String part) {
    return root().resolve(part);
  }
}
