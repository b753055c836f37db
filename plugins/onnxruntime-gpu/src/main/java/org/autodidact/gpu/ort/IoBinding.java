package org.autodidact.gpu.ort;

import java.lang.foreign.Arena;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** What a session reads and writes: tensors at fixed addresses, which stay bound. */
public final class IoBinding implements AutoCloseable {
  private final Handle handle;

  public IoBinding(OrtSession session) {
    OrtLibrary library = session.handle().library();
    this.handle =
        new Handle(
            library,
            Kind.BINDING,
            OrtFunction.RELEASE_IO_BINDING,
            library.create(OrtFunction.CREATE_IO_BINDING, session.handle().address()));
  }

  public void input(String name, OrtValue value) {
    bind(OrtFunction.BIND_INPUT, name, value);
  }

  public void output(String name, OrtValue value) {
    bind(OrtFunction.BIND_OUTPUT, name, value);
  }

  private void bind(OrtFunction function, String name, OrtValue value) {
    try (Arena arena = Arena.ofConfined()) {
      handle
          .library()
          .check(function, handle.address(), arena.allocateFrom(name), value.handle().address());
    }
  }

  Handle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.close();
  }
}
