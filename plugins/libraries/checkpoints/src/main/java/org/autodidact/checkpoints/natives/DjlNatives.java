package org.autodidact.checkpoints.natives;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.util.List;
import java.util.function.Supplier;
import org.autodidact.checkpoints.natives.NativeLibraries.Library;

/** The native libraries of DJL: Hugging Face's tokenizers, and those that plugins load. */
public final class DjlNatives {
  private static boolean tokenizersLoaded;

  private DjlNatives() {}

  /** Loads the tokenizers, once. */
  public static synchronized void loadTokenizers() {
    if (!tokenizersLoaded) {
      load(
          "tokenizers",
          LibUtils.class.getClassLoader(),
          "native/lib/tokenizers.properties",
          () -> {
            LibUtils.checkStatus();
            return true;
          });
      tokenizersLoaded = true;
    }
  }

  /**
   * Loads a library that DJL unpacks, offline.
   *
   * @param resource a file in its jar that says its version
   */
  public static <T> T load(String name, ClassLoader loader, String resource, Supplier<T> loading) {
    return NativeLibraries.load(
        List.of(
            Library.unpacking(
                "djl-" + name, loader, resource, "tmp", "ENGINE_CACHE_DIR", "DJL_CACHE_DIR"),
            Library.unpacked(
                "jna",
                Native.class.getClassLoader(),
                List.of(
                    "com/sun/jna/"
                        + Platform.RESOURCE_PREFIX
                        + "/"
                        + System.mapLibraryName("jnidispatch")),
                "jna.boot.library.path",
                "jna.tmpdir")),
        () ->
            DjlOffline.during(
                () -> {
                  // DJL asks it for GPUs; by its first use, which may be later, it would unpack
                  // itself.
                  requireLoaded(Native.POINTER_SIZE);
                  return loading.get();
                }));
  }

  private static void requireLoaded(int pointerSize) {
    if (pointerSize == 0) {
      throw new LinkageError("JNA is not loaded");
    }
  }
}
