package org.autodidact.checkpoints.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes. Nothing that
 * a header says is believed before it is held against the file.
 */
public final class Safetensors {
  /** The format's own limit. */
  private static final long MAX_HEADER = 100L << 20;

  private static final String WHAT = "a model's tensors";

  /** The largest models published have some 90,000, in many files. */
  private static final int MAX_TENSORS = 200_000;

  private static final int MAX_DIMENSIONS = 16;

  /**
   * The format's element types that are not read. A model's own weights have none of them; buffers
   * beside them, which nobody asks for, may.
   */
  private static final Set<String> OTHER_TYPES =
      Set.of(
          "BOOL",
          "U8",
          "I8",
          "U16",
          "I16",
          "U32",
          "I32",
          "U64",
          "I64",
          "F64",
          "C64",
          "F4",
          "F6_E2M3",
          "F6_E3M2",
          "F8_E4M3",
          "F8_E5M2",
          "F8_E8M0",
          "F8_E4M3FNUZ",
          "F8_E5M2FNUZ");

  /** Tensors start at multiples of this, as fast kernels like it. */
  private static final int ALIGNMENT = 64;

  private Safetensors() {}

  /**
   * What a file holds.
   *
   * @param tensors those that can be read, checked against the file
   * @param others the element types of the others, by tensor
   */
  public record Contents(List<TensorInfo> tensors, Map<String, String> others) {}

  /** The tensors that a file declares, checked against the file. */
  public static Contents read(Path named) {
    BoundedFiles.requireRegular(named, WHAT);
    Path file = real(named);
    return BoundedFiles.guarded(named, () -> readHeader(file));
  }

  private static Contents readHeader(Path file) {
    try (FileChannel channel = BoundedFiles.open(file, WHAT)) {
      long size = channel.size();
      if (size < Long.BYTES) {
        throw bad(file, "at least 8 bytes", size + " bytes; the file is truncated, fetch it again");
      }
      long length = readFully(channel, 0, Long.BYTES, file).getLong();
      if (length < 2 || length > MAX_HEADER || length > size - Long.BYTES) {
        throw bad(
            file,
            "a header that ends within the file's " + size + " bytes",
            "one of "
                + Long.toUnsignedString(length)
                + " bytes; the file is truncated or not safetensors");
      }
      byte[] header = readFully(channel, Long.BYTES, (int) length, file).array();
      return contents(file, header, Long.BYTES + length, size);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  private static Path real(Path named) {
    try {
      return named.toRealPath();
    } catch (IOException e) {
      throw new StorageException(named + ": cannot be read: " + e, e);
    }
  }

  private static ByteBuffer readFully(FileChannel channel, long at, int length, Path file)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, at + bytes.position()) < 0) {
        throw bad(file, (at + length) + " bytes", "the end before; the file is truncated");
      }
    }
    return bytes.flip();
  }

  /** Tensor by tensor, as a whole header as a tree may take gigabytes. */
  private static Contents contents(Path file, byte[] header, long start, long size) {
    List<TensorInfo> tensors = new ArrayList<>();
    Map<String, String> others = new TreeMap<>();
    Set<String> names = new HashSet<>();
    JsonFiles.forEachMember(
        header,
        file + ", header",
        (name, node) -> {
          if (name.equals("__metadata__")) {
            return;
          }
          if (!names.add(name)) {
            throw bad(file, "each tensor once", "'" + JsonFiles.cut(name) + "' twice");
          }
          if (names.size() > MAX_TENSORS) {
            throw bad(file, "at most " + MAX_TENSORS + " tensors", "more");
          }
          String type = node.path("dtype").asText("");
          if (OTHER_TYPES.contains(type)) {
            others.put(name, type);
          } else {
            tensors.add(tensor(file, name, node, start, size));
          }
        });
    tensors.sort(Comparator.comparingLong(TensorInfo::offset));
    for (int i = 1; i < tensors.size(); i++) {
      TensorInfo before = tensors.get(i - 1);
      if (before.offset() + before.byteLength() > tensors.get(i).offset()) {
        throw bad(
            file,
            "tensors apart from each other",
            "'" + before.name() + "' and '" + tensors.get(i).name() + "' overlap; the header lies");
      }
    }
    return new Contents(List.copyOf(tensors), Map.copyOf(others));
  }

  private static TensorInfo tensor(Path file, String name, JsonNode node, long start, long size) {
    String where = file + ", tensor '" + JsonFiles.cut(name) + "'";
    JsonNode offsets = node.path("data_offsets");
    JsonNode dimensions = node.path("shape");
    if (!node.path("dtype").isTextual()
        || !dimensions.isArray()
        || dimensions.size() > MAX_DIMENSIONS
        || offsets.size() != 2) {
      throw new InvalidInputException(
          where + ": expected dtype, shape and two data_offsets, found " + JsonFiles.shown(node));
    }
    DataType type = type(where, node.get("dtype").asText());
    List<Long> shape = new ArrayList<>();
    long bytes = type.bytes();
    for (JsonNode d : dimensions) {
      if (!d.canConvertToLong() || !d.isIntegralNumber() || d.asLong() < 0) {
        throw new InvalidInputException(
            where + ": the shape " + JsonFiles.shown(dimensions) + " is no shape");
      }
      shape.add(d.asLong());
      try {
        bytes = Math.multiplyExact(bytes, d.asLong());
      } catch (ArithmeticException e) {
        throw new InvalidInputException(
            where + ": the shape " + JsonFiles.shown(dimensions) + " is too large", e);
      }
    }
    long begin = offset(where, offsets.get(0));
    long end = offset(where, offsets.get(1));
    if (begin > end || end > size - start) {
      throw new InvalidInputException(
          where
              + ": expected bytes within the "
              + (size - start)
              + " of the file's data, found "
              + begin
              + " to "
              + end
              + "; the file is truncated, fetch it again");
    }
    if (end - begin != bytes) {
      throw new InvalidInputException(
          where
              + ": shape "
              + shape
              + " of "
              + type
              + " takes "
              + bytes
              + " bytes, the header gives it "
              + (end - begin));
    }
    return new TensorInfo(name, type, shape, file, start + begin, bytes);
  }

  private static long offset(String where, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToLong() || node.asLong() < 0) {
      throw new InvalidInputException(
          where + ": the offset " + JsonFiles.shown(node) + " is no offset");
    }
    return node.asLong();
  }

  private static DataType type(String where, String name) {
    return Arrays.stream(DataType.values())
        .filter(t -> t.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new UnsupportedModelException(where + ": " + unsupported(name)));
  }

  /** That an element type is not read. */
  public static String unsupported(String type) {
    return "element type "
        + JsonFiles.cut(type)
        + " is not supported; there are "
        + Arrays.toString(DataType.values());
  }

  private static InvalidInputException bad(Path file, String expected, String found) {
    return new InvalidInputException(file + ": expected " + expected + ", found " + found);
  }

  /** Writes float32 tensors in the order given. */
  public static void write(Path file, Map<String, WeightSource> tensors) throws IOException {
    ObjectNode header = JsonFiles.MAPPER.createObjectNode();
    header.putObject("__metadata__").put("format", "pt");
    long offset = 0;
    for (Map.Entry<String, WeightSource> entry : tensors.entrySet()) {
      ObjectNode node = header.putObject(entry.getKey());
      node.put("dtype", "F32");
      long bytes = Float.BYTES;
      for (long d : entry.getValue().shape()) {
        node.withArray("shape").add(d);
        bytes = Math.multiplyExact(bytes, d);
      }
      if (entry.getValue().shape().isEmpty()) {
        node.putArray("shape");
      }
      node.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    String text = header.toString();
    byte[] json = text.getBytes(StandardCharsets.UTF_8);
    int padded = ((Long.BYTES + json.length + ALIGNMENT - 1) / ALIGNMENT) * ALIGNMENT - Long.BYTES;
    ByteBuffer start = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(padded).put(json);
    while (start.hasRemaining()) {
      start.put((byte) ' ');
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      writeFully(channel, start.flip());
      for (Map.Entry<String, WeightSource> entry : tensors.entrySet()) {
        ByteBuffer bytes = entry.getValue().bytes().get();
        long expected =
            entry.getValue().shape().stream().reduce((long) Float.BYTES, Math::multiplyExact);
        if (bytes.remaining() != expected) {
          throw new IllegalArgumentException(
              "tensor '"
                  + entry.getKey()
                  + "': shape "
                  + entry.getValue().shape()
                  + " takes "
                  + expected
                  + " bytes, given were "
                  + bytes.remaining());
        }
        writeFully(channel, bytes);
      }
      channel.force(true);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Writes all that remains of a buffer. */
  public static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
