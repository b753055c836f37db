package org.autodidact.gpu.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.autodidact.api.StorageException;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.gpu.ort.OrtSessionOptions;

/** The CPU, on which the graphs for GPUs are tested. */
@SuppressWarnings("restricted") // addresses are those of its own buffers
public final class HostDevice implements Device {
  /** A cache line, which SIMD loads do not cross. */
  private static final long ALIGNMENT = 64;

  private final int threads;

  /**
   * @param threads of a run
   */
  public HostDevice(int threads) {
    this.threads = threads;
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public DeviceBuffer allocate(long bytes) {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment memory = arena.allocate(bytes, ALIGNMENT);
      return new DeviceBuffer(memory.address(), bytes, arena::close);
    } catch (OutOfMemoryError e) {
      arena.close();
      throw new StorageException(
          "no room outside the heap for " + ((bytes >> 20) + 1) + " MiB more; lower --memory", e);
    }
  }

  private static MemorySegment segment(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Override
  public void upload(MemorySegment source, DeviceBuffer target, long offset) {
    long bytes = source.byteSize();
    segment(target.at(offset, bytes), bytes).copyFrom(source);
  }

  @Override
  public void download(DeviceBuffer source, long offset, MemorySegment target) {
    long bytes = target.byteSize();
    target.copyFrom(segment(source.at(offset, bytes), bytes));
  }

  @Override
  public void copy(Rows source, Rows target, long width, long count) {
    for (long row = 0; row < count; row++) {
      segment(target.buffer().at(target.offset() + row * target.pitch(), width), width)
          .copyFrom(
              segment(source.buffer().at(source.offset() + row * source.pitch(), width), width));
    }
  }

  @Override
  public void zero(DeviceBuffer buffer) {
    segment(buffer.address(), buffer.bytes()).fill((byte) 0);
  }

  @Override
  public void synchronize() {}

  @Override
  public MemoryInfo memoryInfo(OrtLibrary library) {
    return MemoryInfo.cpu(library);
  }

  @Override
  public void configure(OrtSessionOptions options, boolean captures) {
    options.threads(threads);
  }

  @Override
  public boolean captures() {
    return false;
  }

  @Override
  public void close() {}
}
