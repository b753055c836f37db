package org.autodidact.gpu.ort;

import java.lang.foreign.Arena;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** ONNX Runtime's environment, which logs errors only. Thread-safe; closed after its sessions. */
public final class OrtEnvironment implements AutoCloseable {
  /** {@code ORT_LOGGING_LEVEL_FATAL}: each error is thrown, and need not be printed too. */
  private static final int FATAL = 4;

  private final Handle handle;

  public OrtEnvironment(OrtLibrary library) {
    try (Arena arena = Arena.ofConfined()) {
      this.handle =
          new Handle(
              library,
              Kind.ENVIRONMENT,
              OrtFunction.RELEASE_ENV,
              library.create(OrtFunction.CREATE_ENV, FATAL, arena.allocateFrom("autodidact")));
    }
  }

  public OrtLibrary library() {
    return handle.library();
  }

  Handle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.close();
  }
}
