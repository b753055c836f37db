package org.autodidact.gpu.decode;

import java.util.Arrays;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtValue;

/** Memory on a device for tensors of any shape, one at a time; it grows and does not shrink. */
final class GrowingTensor implements AutoCloseable {
  private final Device device;
  private final MemoryInfo info;
  private final ElementType type;
  private DeviceBuffer buffer;

  GrowingTensor(Device device, MemoryInfo info, ElementType type) {
    this.device = device;
    this.info = info;
    this.type = type;
    this.buffer = device.allocate(type.bytes());
  }

  /** A tensor of this shape; those before must be closed. */
  OrtValue of(long... shape) {
    long bytes = Arrays.stream(shape).reduce(type.bytes(), Math::multiplyExact);
    if (bytes > buffer.bytes()) {
      buffer.close();
      buffer = device.allocate(bytes);
    }
    return OrtValue.over(info, buffer.address(), buffer.bytes(), type, shape);
  }

  DeviceBuffer buffer() {
    return buffer;
  }

  @Override
  public void close() {
    buffer.close();
  }
}
