package org.autodidact.gpu.ort;

import java.lang.foreign.MemorySegment;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** A native object that is released once, by its owner. */
final class Handle implements AutoCloseable {
  private final OrtLibrary library;
  private final Kind kind;
  private final OrtFunction release;
  private final MemorySegment address;
  private boolean closed;

  Handle(OrtLibrary library, Kind kind, OrtFunction release, MemorySegment address) {
    this.library = library;
    this.kind = kind;
    this.release = release;
    this.address = address;
    library.live().opened(kind);
  }

  OrtLibrary library() {
    return library;
  }

  /** The object's address; refused once it is closed, as the memory may be another's. */
  MemorySegment address() {
    if (closed) {
      throw new IllegalStateException("this " + kind + " of ONNX Runtime is closed");
    }
    return address;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      library.release(release, address);
      library.live().closed(kind);
    }
  }
}
