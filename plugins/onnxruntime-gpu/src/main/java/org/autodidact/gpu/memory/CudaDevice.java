package org.autodidact.gpu.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.StorageException;
import org.autodidact.gpu.memory.CudaRuntime.Function;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.gpu.ort.OrtSessionOptions;

/**
 * The first GPU that the process sees. One stream has all copies and all kernels of ONNX Runtime,
 * so that they follow one another without the host waiting. Unmeasured: no GPU was at hand; tested
 * over a library of CUDA's functions that copies on the host.
 */
public final class CudaDevice implements Device {
  /** {@code cudaStreamNonBlocking}: nothing waits for the stream of others. */
  private static final int NON_BLOCKING = 1;

  /** {@code cudaMemcpyDefault}: the addresses say which side is the host. */
  private static final int BY_ADDRESS = 4;

  private final CudaRuntime runtime;
  private final MemorySegment stream;
  private final boolean tensorRt;
  private boolean closed;

  public CudaDevice(CudaRuntime runtime) {
    this(runtime, false);
  }

  /**
   * @param tensorRt whether TensorRT computes graphs of standard ONNX
   */
  public CudaDevice(CudaRuntime runtime, boolean tensorRt) {
    this.runtime = runtime;
    this.tensorRt = tensorRt;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check("create a stream", runtime.call(Function.STREAM_CREATE, out, NON_BLOCKING));
      this.stream = out.get(ADDRESS, 0);
    }
  }

  private void check(String doing, int error) {
    if (error != 0) {
      throw new AutodidactException("CUDA failed to " + doing + ": " + runtime.text(error));
    }
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public DeviceBuffer allocate(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      int error = runtime.call(Function.MALLOC, out, bytes);
      if (error == CudaRuntime.OUT_OF_MEMORY) {
        throw new StorageException(
            "the GPU has no room for "
                + ((bytes >> 20) + 1)
                + " MiB more, "
                + free()
                + "; lower --memory, or end what else uses it");
      }
      check("allocate " + bytes + " bytes", error);
      MemorySegment address = out.get(ADDRESS, 0);
      return new DeviceBuffer(
          address.address(),
          bytes,
          () -> check("free memory", runtime.call(Function.FREE, address)));
    }
  }

  private String free() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_LONG, 2);
      int error =
          runtime.call(
              Function.MEMORY,
              numbers,
              numbers.asSlice(JAVA_LONG.byteSize(), JAVA_LONG.byteSize()));
      return error != 0
          ? "and does not say how much is free"
          : (numbers.getAtIndex(JAVA_LONG, 0) >> 20)
              + " of "
              + (numbers.getAtIndex(JAVA_LONG, 1) >> 20)
              + " MiB are free";
    }
  }

  private static MemorySegment pointer(long address) {
    return MemorySegment.ofAddress(address);
  }

  @Override
  public void upload(MemorySegment source, DeviceBuffer target, long offset) {
    long bytes = source.byteSize();
    check(
        "copy to the GPU",
        runtime.call(
            Function.COPY, pointer(target.at(offset, bytes)), source, bytes, BY_ADDRESS, stream));
  }

  @Override
  public void download(DeviceBuffer source, long offset, MemorySegment target) {
    long bytes = target.byteSize();
    check(
        "copy from the GPU",
        runtime.call(
            Function.COPY, target, pointer(source.at(offset, bytes)), bytes, BY_ADDRESS, stream));
  }

  @Override
  public void copy(Rows source, Rows target, long width, long count) {
    long last = count - 1;
    check(
        "copy on the GPU",
        runtime.call(
            Function.COPY_ROWS,
            pointer(target.buffer().at(target.offset(), last * target.pitch() + width)),
            target.pitch(),
            pointer(source.buffer().at(source.offset(), last * source.pitch() + width)),
            source.pitch(),
            width,
            count,
            BY_ADDRESS,
            stream));
  }

  @Override
  public void zero(DeviceBuffer buffer) {
    check(
        "write zeros",
        runtime.call(Function.SET, pointer(buffer.address()), 0, buffer.bytes(), stream));
  }

  @Override
  public void synchronize() {
    check("compute", runtime.call(Function.STREAM_SYNCHRONIZE, stream));
  }

  @Override
  public MemoryInfo memoryInfo(OrtLibrary library) {
    return MemoryInfo.cuda(library);
  }

  @Override
  public void configure(OrtSessionOptions options, boolean captures) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("device_id", "0");
    // TF32 has 10 bits where float32 has 23.
    settings.put("use_tf32", "0");
    settings.put("enable_cuda_graph", captures ? "1" : "0");
    options.cuda(settings, stream);
  }

  @Override
  public void configureEngine(OrtSessionOptions options, Map<String, String> settings) {
    if (tensorRt) {
      options.tensorRt(settings, stream);
    }
    configure(options, false);
  }

  @Override
  public boolean buildsEngines() {
    return tensorRt;
  }

  @Override
  public boolean captures() {
    return true;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("end a stream", runtime.call(Function.STREAM_DESTROY, stream));
    }
  }
}
