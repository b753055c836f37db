package org.autodidact.gpu.ort;

import java.lang.foreign.Arena;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** Says to ONNX Runtime on which device a buffer lies. */
public final class MemoryInfo implements AutoCloseable {
  private static final int DEVICE_ALLOCATOR = 0;
  private static final int DEFAULT_MEMORY = 0;

  private final Handle handle;

  private MemoryInfo(OrtLibrary library, String name) {
    try (Arena arena = Arena.ofConfined()) {
      this.handle =
          new Handle(
              library,
              Kind.MEMORY_INFO,
              OrtFunction.RELEASE_MEMORY_INFO,
              library.create(
                  OrtFunction.CREATE_MEMORY_INFO,
                  arena.allocateFrom(name),
                  DEVICE_ALLOCATOR,
                  0,
                  DEFAULT_MEMORY));
    }
  }

  public static MemoryInfo cpu(OrtLibrary library) {
    return new MemoryInfo(library, "Cpu");
  }

  /** The first GPU that the process sees. */
  public static MemoryInfo cuda(OrtLibrary library) {
    return new MemoryInfo(library, "Cuda");
  }

  Handle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.close();
  }
}
