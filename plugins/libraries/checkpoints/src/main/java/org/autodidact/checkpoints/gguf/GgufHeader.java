package org.autodidact.checkpoints.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** The header of a GGUF file, version 3: metadata, then the directory of tensors. Little-endian. */
final class GgufHeader {
  /** Tensors begin at multiples of this, which is the format's default. */
  private static final int ALIGNMENT = 32;

  private static final int VERSION = 3;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  private final ByteArrayOutputStream values = new ByteArrayOutputStream();
  private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
  private final int count;

  /**
   * @param metadata by key: texts, ints (written unsigned), floats, booleans, and lists of texts,
   *     ints (written signed) or floats
   */
  GgufHeader(Map<String, Object> metadata) {
    this.count = metadata.size();
    metadata.forEach(
        (key, value) -> {
          text(values, key);
          if (value instanceof List<?> list) {
            number(values, ARRAY);
            number(values, list.isEmpty() ? STRING : elementType(list.get(0)));
            wide(values, list.size());
            list.forEach(this::value);
          } else {
            number(values, value instanceof Integer ? UINT32 : elementType(value));
            value(value);
          }
        });
  }

  /** Adds a tensor whose data begins {@code offset} bytes after the header. */
  void tensor(String name, GgmlType type, List<Long> shape, long offset) {
    text(tensors, name);
    number(tensors, shape.size());
    for (int i = shape.size() - 1; i >= 0; i--) {
      wide(tensors, shape.get(i));
    }
    number(tensors, type.number());
    wide(tensors, offset);
  }

  /** The whole header, padded so that the first tensor follows. */
  ByteBuffer bytes(int tensorCount) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    number(all, VERSION);
    wide(all, tensorCount);
    wide(all, count);
    all.writeBytes(values.toByteArray());
    all.writeBytes(tensors.toByteArray());
    all.writeBytes(new byte[(int) (aligned(all.size()) - all.size())]);
    return ByteBuffer.wrap(all.toByteArray());
  }

  static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static int elementType(Object value) {
    return value instanceof String
        ? STRING
        : value instanceof Float ? FLOAT32 : value instanceof Boolean ? BOOL : INT32;
  }

  private void value(Object value) {
    if (value instanceof String string) {
      text(values, string);
    } else if (value instanceof Boolean flag) {
      values.write(flag ? 1 : 0);
    } else {
      number(values, value instanceof Float f ? Float.floatToIntBits(f) : (Integer) value);
    }
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    wide(out, utf8.length);
    out.writeBytes(utf8);
  }

  private static void number(ByteArrayOutputStream out, int value) {
    out.writeBytes(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  private static void wide(ByteArrayOutputStream out, long value) {
    out.writeBytes(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }
}
