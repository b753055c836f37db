package org.autodidact.gpu.memory;

/** Memory at a fixed address of a device, freed by {@link #close()}. */
public final class DeviceBuffer implements AutoCloseable {
  private final long address;
  private final long bytes;
  private final Runnable free;
  private boolean closed;

  DeviceBuffer(long address, long bytes, Runnable free) {
    this.address = address;
    this.bytes = bytes;
    this.free = free;
  }

  /** The first byte's address on its device; refused once it is freed. */
  public long address() {
    if (closed) {
      throw new IllegalStateException("this memory has been freed");
    }
    return address;
  }

  public long bytes() {
    return bytes;
  }

  /** Checks that a range lies within. */
  long at(long offset, long count) {
    java.util.Objects.checkFromIndexSize(offset, count, bytes);
    return address() + offset;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      free.run();
    }
  }
}
