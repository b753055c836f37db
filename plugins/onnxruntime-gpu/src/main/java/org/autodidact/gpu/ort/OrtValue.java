package org.autodidact.gpu.ort;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** A tensor over memory of the caller's, which must outlive it. */
public final class OrtValue implements AutoCloseable {
  private final Handle handle;

  private OrtValue(Handle handle) {
    this.handle = handle;
  }

  /**
   * A tensor over a buffer.
   *
   * @param address the first element, on the device that {@code memory} says
   * @param bytes bytes there, at least those of the shape
   */
  public static OrtValue over(
      MemoryInfo memory, long address, long bytes, ElementType type, long... shape) {
    OrtLibrary library = memory.handle().library();
    long needed = Arrays.stream(shape).reduce(type.bytes(), Math::multiplyExact);
    if (needed > bytes) {
      throw new IllegalArgumentException(
          "a tensor of "
              + Arrays.toString(shape)
              + " "
              + type
              + " needs "
              + needed
              + " bytes, the buffer has "
              + bytes);
    }
    try (Arena arena = Arena.ofConfined()) {
      return new OrtValue(
          new Handle(
              library,
              Kind.VALUE,
              OrtFunction.RELEASE_VALUE,
              library.create(
                  OrtFunction.CREATE_TENSOR_WITH_DATA,
                  memory.handle().address(),
                  MemorySegment.ofAddress(address),
                  needed,
                  arena.allocateFrom(ValueLayout.JAVA_LONG, shape),
                  (long) shape.length,
                  type.number())));
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
