package org.autodidact.gpu.memory;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.gpu.ort.OrtSessionOptions;

/**
 * Where graphs compute: it allocates and copies memory. Copies and the runs of graphs are done one
 * after another, in the order in which they were asked for. One thread at a time.
 */
public sealed interface Device extends AutoCloseable permits HostDevice, CudaDevice {
  /** For messages, for example {@code cuda}. */
  String name();

  /**
   * A buffer, whose content is undefined.
   *
   * @throws org.autodidact.api.StorageException where it does not fit
   */
  DeviceBuffer allocate(long bytes);

  /** Copies from the host; {@code source} may be changed after {@link #synchronize()}. */
  void upload(MemorySegment source, DeviceBuffer target, long offset);

  /** Copies to the host; {@code target} may be read after {@link #synchronize()}. */
  void download(DeviceBuffer source, long offset, MemorySegment target);

  /** Rows of bytes at a distance of one another. */
  record Rows(DeviceBuffer buffer, long offset, long pitch) {}

  /** Copies {@code count} rows of {@code width} bytes on the device. */
  void copy(Rows source, Rows target, long width, long count);

  /** Writes zeros. */
  void zero(DeviceBuffer buffer);

  /** Waits until all that was asked for is done. */
  void synchronize();

  /** Says to ONNX Runtime where this memory is. */
  MemoryInfo memoryInfo(OrtLibrary library);

  /**
   * Lets a session compute here.
   *
   * @param captures whether its runs are captured as CUDA graphs
   */
  void configure(OrtSessionOptions options, boolean captures);

  /**
   * Lets a session of standard ONNX compute here by TensorRT, where {@link #buildsEngines()}, or as
   * {@link #configure}.
   *
   * @param settings TensorRT's, by ONNX Runtime's names
   */
  default void configureEngine(OrtSessionOptions options, Map<String, String> settings) {
    configure(options, false);
  }

  /** Whether TensorRT builds engines of graphs of standard ONNX. */
  default boolean buildsEngines() {
    return false;
  }

  /** Whether graphs can be captured: launched as one, without work of the host. */
  boolean captures();

  @Override
  void close();
}
