package org.autodidact.gpu.ort;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** A loaded graph. One run at a time; its bindings are closed before it. */
public final class OrtSession implements AutoCloseable {
  private final Handle handle;

  /** Loads a serialized model. */
  public OrtSession(OrtEnvironment environment, byte[] model, OrtSessionOptions options) {
    OrtLibrary library = environment.library();
    try (Arena arena = Arena.ofConfined()) {
      this.handle =
          new Handle(
              library,
              Kind.SESSION,
              OrtFunction.RELEASE_SESSION,
              library.create(
                  OrtFunction.CREATE_SESSION_FROM_ARRAY,
                  environment.handle().address(),
                  arena.allocateFrom(ValueLayout.JAVA_BYTE, model),
                  (long) model.length,
                  options.handle().address()));
    }
  }

  /** Runs the graph over what is bound. */
  public void run(RunOptions options, IoBinding binding) {
    MemorySegment session = handle.address();
    handle
        .library()
        .check(
            OrtFunction.RUN_WITH_BINDING,
            session,
            options.handle().address(),
            binding.handle().address());
  }

  Handle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.close();
  }
}
