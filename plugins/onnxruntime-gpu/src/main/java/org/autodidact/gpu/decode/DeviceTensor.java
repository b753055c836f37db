package org.autodidact.gpu.decode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtValue;

/** A tensor on a device with a copy of it on the host, for what the host writes and reads. */
final class DeviceTensor implements AutoCloseable {
  private final Device device;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment host;
  private final DeviceBuffer buffer;
  private final OrtValue value;

  DeviceTensor(Device device, MemoryInfo info, ElementType type, long... shape) {
    this.device = device;
    long bytes = Arrays.stream(shape).reduce(type.bytes(), Math::multiplyExact);
    this.host = arena.allocate(bytes, 64);
    DeviceBuffer allocated = null;
    try {
      allocated = device.allocate(bytes);
      this.value = OrtValue.over(info, allocated.address(), bytes, type, shape);
    } catch (RuntimeException | Error e) {
      if (allocated != null) {
        allocated.close();
      }
      arena.close();
      throw e;
    }
    this.buffer = allocated;
  }

  /** The copy on the host. */
  MemorySegment host() {
    return host;
  }

  /** The tensor over the device's memory. */
  OrtValue value() {
    return value;
  }

  void upload() {
    device.upload(host, buffer, 0);
  }

  void download() {
    device.download(buffer, 0, host);
  }

  @Override
  public void close() {
    value.close();
    buffer.close();
    arena.close();
  }
}
