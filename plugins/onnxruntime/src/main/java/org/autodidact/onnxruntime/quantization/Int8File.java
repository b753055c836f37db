package org.autodidact.onnxruntime.quantization;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/**
 * A file of int8 matrices, in any order: of each, 64-aligned, its values [K, N], then scales, input
 * mean and bias as little-endian floats. At the end an index with the file's name, and where it is.
 * All has checksums, so that a file that is cut, was changed or is another's is noticed.
 * Thread-safe.
 */
final class Int8File {
  private static final long MAGIC = 0x3169_6e74_3877_6164L; // "1int8wad"
  private static final int ALIGNMENT = 64;

  /** Index position, length and checksum, and {@link #MAGIC}. */
  private static final int FOOTER_BYTES = 2 * Long.BYTES + 2 * Integer.BYTES;

  private static final int MAX_INDEX_BYTES = 64 << 20;

  private final FileChannel channel;
  private final Map<String, Section> sections;

  /** Where a matrix is, and how many numbers it has. */
  private record Section(long at, int inputs, int outputs, int mean, int bias, int crc) {
    long values() {
      return (long) inputs * outputs;
    }

    int floats() {
      return outputs + mean + bias;
    }
  }

  /** The file is not what was written. */
  static final class DamagedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    DamagedException(String found) {
      super(found);
    }
  }

  private Int8File(FileChannel channel, Map<String, Section> sections) {
    this.channel = channel;
    this.sections = sections;
  }

  /**
   * Reads the index of a file, which the caller closes.
   *
   * @param name under which it was written
   * @throws DamagedException where the end of the file is not what was written
   */
  static Int8File read(FileChannel channel, String name) throws IOException {
    long size = channel.size();
    if (size < FOOTER_BYTES) {
      throw new DamagedException("it has " + size + " bytes");
    }
    ByteBuffer footer = read(channel, size - FOOTER_BYTES, FOOTER_BYTES);
    long at = footer.getLong();
    int length = footer.getInt();
    int crc = footer.getInt();
    if (footer.getLong() != MAGIC
        || length < 0
        || length > MAX_INDEX_BYTES
        || at != size - FOOTER_BYTES - length) {
      throw new DamagedException("its end is missing");
    }
    byte[] index = read(channel, at, length).array();
    CRC32C found = new CRC32C();
    found.update(index);
    if ((int) found.getValue() != crc) {
      throw new DamagedException("its index has another checksum");
    }
    Map<String, Section> sections = new TreeMap<>();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(index))) {
      if (!in.readUTF().equals(name)) {
        throw new DamagedException("it was written under another name");
      }
      while (in.available() > 0) {
        sections.put(
            in.readUTF(),
            new Section(
                in.readLong(),
                in.readInt(),
                in.readInt(),
                in.readInt(),
                in.readInt(),
                in.readInt()));
      }
    }
    return new Int8File(channel, sections);
  }

  private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, at + bytes.position()) < 0) {
        throw new DamagedException("it ends early");
      }
    }
    return bytes.flip();
  }

  /**
   * A matrix whose values are mapped; the caller closes them.
   *
   * @throws DamagedException where it is not what was written
   */
  Int8Matrix matrix(String name) throws IOException {
    Section section = sections.get(name);
    if (section == null) {
      throw new DamagedException("the matrix " + name + " is not in it");
    }
    ByteBuffer floats =
        read(channel, section.at() + section.values(), section.floats() * Float.BYTES);
    NativeBuffer values = NativeBuffer.mapped(channel, section.at(), section.values());
    try {
      if (crc(values.bytes(), floats.duplicate()) != section.crc()) {
        throw new DamagedException("the matrix " + name + " has another checksum");
      }
      float[] scales = floats(floats, section.outputs());
      float[] mean = floats(floats, section.mean());
      float[] bias = floats(floats, section.bias());
      return new Int8Matrix(section.inputs(), section.outputs(), mean, values, scales, bias);
    } catch (RuntimeException | Error e) {
      values.close();
      throw e;
    }
  }

  private static float[] floats(ByteBuffer bytes, int count) {
    float[] floats = new float[count];
    for (int i = 0; i < count; i++) {
      floats[i] = bytes.getFloat();
    }
    return floats;
  }

  private static int crc(ByteBuffer values, ByteBuffer floats) {
    CRC32C crc = new CRC32C();
    crc.update(values);
    crc.update(floats);
    return (int) crc.getValue();
  }

  /** Writes a file, a matrix at a time, in any order. Thread-safe. */
  static final class Writer {
    private final FileChannel channel;
    private final String name;
    private final AtomicLong end = new AtomicLong();
    private final Map<String, Section> sections = new ConcurrentSkipListMap<>();

    Writer(FileChannel channel, String name) {
      this.channel = channel;
      this.name = name;
    }

    void put(String name, Int8Matrix matrix) throws IOException {
      float[] numbers = Int8Matrix.concat(matrix.scales(), matrix.inputMean(), matrix.bias());
      ByteBuffer floats =
          ByteBuffer.allocate(numbers.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      floats.asFloatBuffer().put(numbers);
      ByteBuffer values = matrix.values().bytes();
      long length = (long) values.remaining() + floats.remaining();
      long aligned = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      long at = end.getAndAdd(aligned);
      sections.put(
          name,
          new Section(
              at,
              matrix.inputs(),
              matrix.outputs(),
              matrix.inputMean().length,
              matrix.bias().length,
              crc(values.duplicate(), floats.duplicate())));
      write(values, at);
      write(floats, at + matrix.values().bytes().capacity());
    }

    /** Writes the index; the file is whole then. */
    void finish() throws IOException {
      ByteArrayOutputStream index = new ByteArrayOutputStream();
      try (DataOutputStream out = new DataOutputStream(index)) {
        out.writeUTF(name);
        for (Map.Entry<String, Section> entry : sections.entrySet()) {
          Section section = entry.getValue();
          out.writeUTF(entry.getKey());
          out.writeLong(section.at());
          out.writeInt(section.inputs());
          out.writeInt(section.outputs());
          out.writeInt(section.mean());
          out.writeInt(section.bias());
          out.writeInt(section.crc());
        }
      }
      CRC32C crc = new CRC32C();
      crc.update(index.toByteArray());
      ByteBuffer tail =
          ByteBuffer.allocate(index.size() + FOOTER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      tail.put(index.toByteArray())
          .putLong(end.get())
          .putInt(index.size())
          .putInt((int) crc.getValue())
          .putLong(MAGIC);
      write(tail.flip(), end.get());
    }

    private void write(ByteBuffer bytes, long at) throws IOException {
      long from = at - bytes.position();
      while (bytes.hasRemaining()) {
        channel.write(bytes, from + bytes.position());
      }
    }
  }
}
