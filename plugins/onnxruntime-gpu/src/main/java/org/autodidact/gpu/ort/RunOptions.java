package org.autodidact.gpu.ort;

import java.lang.foreign.Arena;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** How a session is run. */
public final class RunOptions implements AutoCloseable {
  private final Handle handle;

  public RunOptions(OrtLibrary library) {
    this.handle =
        new Handle(
            library,
            Kind.RUN_OPTIONS,
            OrtFunction.RELEASE_RUN_OPTIONS,
            library.create(OrtFunction.CREATE_RUN_OPTIONS));
  }

  /** An entry such as {@code gpu_graph_id}. */
  public RunOptions entry(String key, String value) {
    try (Arena arena = Arena.ofConfined()) {
      handle
          .library()
          .check(
              OrtFunction.ADD_RUN_CONFIG_ENTRY,
              handle.address(),
              arena.allocateFrom(key),
              arena.allocateFrom(value));
    }
    return this;
  }

  Handle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.close();
  }
}
