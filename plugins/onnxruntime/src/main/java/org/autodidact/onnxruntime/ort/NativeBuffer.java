package org.autodidact.onnxruntime.ort;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import org.autodidact.api.StorageException;

/**
 * Memory outside the heap that is freed by {@link #close()}, not by the garbage collector. Once
 * closed it has no capacity and refuses reads and writes, as the address may be reused.
 */
public final class NativeBuffer implements AutoCloseable {
  private static final MethodHandle CLEANER = cleaner();

  private final ByteBuffer bytes;
  private boolean closed;

  private NativeBuffer(ByteBuffer bytes) {
    this.bytes = bytes;
  }

  /** A buffer of {@code floats} floats, all 0. */
  public static NativeBuffer ofFloats(long floats) {
    return ofBytes(floats * Float.BYTES);
  }

  /** A buffer of {@code length} bytes, all 0. */
  public static NativeBuffer ofBytes(long length) {
    if (length > Integer.MAX_VALUE) {
      throw new StorageException(
          "a buffer of " + length + " bytes is more than 2 GiB; lower the batch or the length");
    }
    try {
      return new NativeBuffer(
          ByteBuffer.allocateDirect((int) length).order(ByteOrder.nativeOrder()));
    } catch (OutOfMemoryError e) {
      throw new StorageException(
          "no room outside the heap for "
              + ((length >> 20) + 1)
              + " MiB more; give the JVM more (-XX:MaxDirectMemorySize) or lower --memory",
          e);
    }
  }

  /** A part of a file, read only, mapped until it is closed. */
  public static NativeBuffer mapped(FileChannel file, long from, long length) throws IOException {
    return new NativeBuffer(
        file.map(FileChannel.MapMode.READ_ONLY, from, length).order(ByteOrder.nativeOrder()));
  }

  /** A view of all bytes; not to be used after {@link #close()}. */
  public ByteBuffer bytes() {
    return open().duplicate().order(ByteOrder.nativeOrder());
  }

  /**
   * A view of {@code count} floats from the {@code from}th; not to be used after {@link #close()}.
   */
  public FloatBuffer floats(long from, long count) {
    return open()
        .slice(Math.toIntExact(from * Float.BYTES), Math.toIntExact(count * Float.BYTES))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** Capacity in floats; 0 once it is closed. */
  public long capacity() {
    return closed ? 0 : bytes.capacity() / Float.BYTES;
  }

  public boolean isClosed() {
    return closed;
  }

  private ByteBuffer open() {
    if (closed) {
      throw new IllegalStateException("this memory has been freed");
    }
    return bytes;
  }

  /** Copies {@code count} floats to another buffer or within this one. */
  public void copy(long from, NativeBuffer target, long to, long count) {
    target
        .open()
        .put(
            Math.toIntExact(to * Float.BYTES),
            open(),
            Math.toIntExact(from * Float.BYTES),
            Math.toIntExact(count * Float.BYTES));
  }

  /** Sets {@code count} floats to 0. */
  public void clear(long from, long count) {
    ByteBuffer target = open();
    for (long i = from; i < from + count; i++) {
      target.putFloat(Math.toIntExact(i * Float.BYTES), 0);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        CLEANER.invokeExact(bytes);
      } catch (Throwable e) {
        throw new LinkageError("freeing native memory failed", e);
      }
    }
  }

  /**
   * {@code Unsafe.invokeCleaner}, Java 17's only way; by reflection, as javac warns of the type.
   */
  private static MethodHandle cleaner() {
    try {
      Class<?> type = Class.forName("sun.misc.Unsafe");
      Field instance = type.getDeclaredField("theUnsafe");
      instance.setAccessible(true);
      return MethodHandles.lookup()
          .findVirtual(type, "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
          .bindTo(instance.get(null));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("the module jdk.unsupported is needed to free memory in time", e);
    }
  }
}
