package org.autodidact.checkpoints.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * A GGUF file, versions 2 and 3: metadata and the directory of tensors. Counts, lengths and offsets
 * are held against the file before they are believed.
 */
public final class GgufFile implements AutoCloseable {
  private static final int MAGIC = 0x46554747;
  private static final int MAX_TENSORS = 200_000;

  /** Bytes of a text: chat templates have some 20,000. */
  private static final int MAX_TEXT = 64 << 20;

  /** Values of all lists; the largest vocabularies have 256,000 tokens with 3 of them each. */
  private static final int MAX_VALUES = 1 << 24;

  private static final Pattern PART = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final Map<String, Entry> tensors = new LinkedHashMap<>();
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long windowStart;
  private long at;
  private long values;

  /** The model's other files, in order. */
  private final List<GgufFile> others = new ArrayList<>();

  /**
   * A tensor.
   *
   * @param type how its elements are stored
   * @param shape dimensions, outermost first
   * @param part the number of the model's file that it is in, 0 where there is one
   * @param offset its first byte in that file
   */
  public record Entry(String name, GgmlType type, List<Long> shape, int part, long offset) {
    long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  private GgufFile(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
  }

  /**
   * A model's file, or all of them where it is split: {@code NAME-00001-of-0000N.gguf} and its
   * siblings, whose tensors are then found here, as llama.cpp reads them.
   *
   * @param path the first of them
   * @throws InvalidInputException where a file is missing, damaged or another part than its name
   *     says
   */
  public static GgufFile open(Path path) {
    return BoundedFiles.guarded(path, () -> openAll(path));
  }

  private static GgufFile openAll(Path path) {
    GgufFile first = openOne(path);
    try {
      first.openOthers();
      return first;
    } catch (RuntimeException | Error e) {
      first.close();
      throw e;
    }
  }

  private static GgufFile openOne(Path path) {
    FileChannel channel = BoundedFiles.open(path, "a GGUF file");
    try {
      GgufFile file = new GgufFile(path, channel);
      file.readHeader();
      return file;
    } catch (IOException e) {
      closeQuietly(channel);
      throw new StorageException(path + ": cannot be read: " + e, e);
    } catch (RuntimeException | Error e) {
      closeQuietly(channel);
      throw e;
    }
  }

  /** The files of the model whose first file this is: of others only the path is looked at. */
  List<Path> parts() {
    long count = number("split.count").orElse(1L);
    if (count <= 1) {
      return List.of(path);
    }
    Path name = path.getFileName();
    Matcher matcher = PART.matcher(name == null ? "" : name.toString());
    long number = number("split.no").orElse(-1L);
    if (count > 99_999
        || !matcher.matches()
        || Long.parseLong(matcher.group(3)) != count
        || Long.parseLong(matcher.group(2)) != number + 1) {
      throw bad(
          "a file of a model in "
              + count
              + String.format(
                  Locale.ROOT, " files, named NAME-00001-of-%05d.gguf and so on", count),
          "part " + (number + 1) + " by this name; give the files their own names again");
    }
    List<Path> parts = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Path part =
          path.resolveSibling(
              String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", matcher.group(1), i, count));
      if (!Files.exists(part)) {
        throw new InvalidInputException(
            part
                + ": missing; the model is in "
                + count
                + " files, put all of them into one folder");
      }
      parts.add(part);
    }
    if (number != 0) {
      throw bad(
          "the first of the model's " + count + " files",
          "number " + (number + 1) + "; name " + parts.get(0));
    }
    return parts;
  }

  private void openOthers() {
    List<Path> parts = parts();
    for (int i = 1; i < parts.size(); i++) {
      GgufFile part = openOne(parts.get(i));
      others.add(part);
      if (part.number("split.no").orElse(-1L) != i
          || !part.number("split.count").equals(number("split.count"))) {
        throw part.bad(
            "part " + (i + 1) + " of " + parts.size(),
            "part "
                + (part.number("split.no").orElse(-1L) + 1)
                + " of "
                + part.number("split.count").orElse(1L)
                + "; the file has another's name");
      }
      for (Entry entry : part.tensors.values()) {
        put(new Entry(entry.name(), entry.type(), entry.shape(), i, entry.offset()));
      }
    }
    long count = number("split.tensors.count").orElse((long) tensors.size());
    if (parts.size() > 1 && count != tensors.size()) {
      throw bad(count + " tensors in all parts", tensors.size() + "; fetch them again");
    }
  }

  private void put(Entry entry) {
    if (tensors.put(entry.name(), entry) != null) {
      throw bad("each tensor once", "'" + JsonFiles.cut(entry.name()) + "' twice");
    }
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // The error that led here says more.
    }
  }

  private void readHeader() throws IOException {
    if (readInt() != MAGIC) {
      throw bad("the letters GGUF at the start", "something else; this is not a GGUF file");
    }
    int version = readInt();
    if (version != 2 && version != 3) {
      throw new UnsupportedModelException(
          path
              + ": GGUF version "
              + version
              + " is not supported; there are 2 and 3, little-endian");
    }
    long tensorCount = readCount("tensors", 24);
    if (tensorCount > MAX_TENSORS) {
      throw bad("at most " + MAX_TENSORS + " tensors", Long.toString(tensorCount));
    }
    long metadataCount = readCount("metadata entries", 12);
    for (long i = 0; i < metadataCount; i++) {
      String key = readString();
      countValues(1);
      if (metadata.put(key, readValue(readInt(), 0)) != null) {
        throw bad("each key once", "'" + JsonFiles.cut(key) + "' twice");
      }
    }
    List<Entry> relative = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      relative.add(readEntry());
    }
    long alignment = number("general.alignment").orElse(32L);
    if (alignment <= 0 || alignment > 1 << 20) {
      throw bad("an alignment between 1 and 1048576", Long.toString(alignment));
    }
    long start = (at + alignment - 1) / alignment * alignment;
    long all = 0;
    for (Entry entry : relative) {
      long bytes =
          entry
              .type()
              .bytes(entry.elements(), path + ", tensor '" + JsonFiles.cut(entry.name()) + "'");
      if (entry.offset() < 0
          || entry.offset() > size - start
          || bytes > size - start - entry.offset()) {
        throw cutOff(
            "tensor '" + JsonFiles.cut(entry.name()) + "' of " + bytes + " bytes",
            start + entry.offset());
      }
      all += bytes;
      if (all > size - start) {
        throw bad("tensors apart from each other", "some that overlap; the header lies");
      }
      put(new Entry(entry.name(), entry.type(), entry.shape(), 0, start + entry.offset()));
    }
  }

  private Entry readEntry() throws IOException {
    String name = readString();
    int dimensions = readInt();
    if (dimensions < 0 || dimensions > 4) {
      throw bad(
          "tensor '" + JsonFiles.cut(name) + "' with 0 to 4 dimensions",
          Integer.toString(dimensions));
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (int i = 0; i < dimensions; i++) {
      long d = readLong();
      if (d <= 0 || d > Integer.MAX_VALUE || elements > Integer.MAX_VALUE / d) {
        throw bad(
            "tensor '" + JsonFiles.cut(name) + "' with dimensions above 0 and below 2^31 elements",
            "a dimension of " + d);
      }
      elements *= d;
      shape.add(0, d);
    }
    int type = readInt();
    GgmlType known =
        GgmlType.of(type)
            .orElseThrow(
                () ->
                    new UnsupportedModelException(
                        path
                            + ": tensor '"
                            + JsonFiles.cut(name)
                            + "' has type number "
                            + type
                            + ", which is not supported; there are "
                            + List.of(GgmlType.values())));
    return new Entry(name, known, shape, 0, readLong());
  }

  private Object readValue(int type, int depth) throws IOException {
    return switch (type) {
      case 0 -> (long) (readByte() & 0xff);
      case 1 -> (long) readByte();
      case 2 -> (long) (readShort() & 0xffff);
      case 3 -> (long) readShort();
      case 4 -> readInt() & 0xffffffffL;
      case 5 -> (long) readInt();
      case 6 -> (double) Float.intBitsToFloat(readInt());
      case 7 -> readByte() != 0;
      case 8 -> readString();
      case 9 -> {
        int of = readInt();
        if (depth > 2) {
          throw bad("lists at most three deep", "a deeper one");
        }
        long count = readCount("list elements", 1);
        countValues(count);
        List<Object> list = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          list.add(readValue(of, depth + 1));
        }
        yield list;
      }
      case 10, 11 -> readLong();
      case 12 -> Double.longBitsToDouble(readLong());
      default -> throw bad("a value type from 0 to 12", Integer.toString(type));
    };
  }

  /** A count of things of at least {@code bytes} bytes each, which must fit into what is left. */
  private long readCount(String what, int bytes) throws IOException {
    long count = readLong();
    if (count < 0 || count > (size - at) / bytes) {
      throw cutOff(Long.toUnsignedString(count) + " " + what, at);
    }
    return count;
  }

  private void countValues(long count) {
    values += count;
    if (values > MAX_VALUES) {
      throw bad("at most " + MAX_VALUES + " values of metadata", "more");
    }
  }

  private String readString() throws IOException {
    long length = readCount("bytes of text", 1);
    if (length > MAX_TEXT) {
      throw bad("texts of at most " + MAX_TEXT + " bytes", "one of " + length);
    }
    byte[] bytes = new byte[Math.toIntExact(length)];
    need(0);
    ByteBuffer into = ByteBuffer.wrap(bytes);
    while (into.hasRemaining()) {
      if (channel.read(into, at + into.position()) < 0) {
        throw cutOff(length + " bytes of text", at);
      }
    }
    at += length;
    return BoundedFiles.text(bytes, path + ", text before byte " + at);
  }

  private byte readByte() throws IOException {
    return need(1).get();
  }

  private short readShort() throws IOException {
    return need(2).getShort();
  }

  private int readInt() throws IOException {
    return need(4).getInt();
  }

  private long readLong() throws IOException {
    return need(8).getLong();
  }

  /** The window placed at the next {@code count} bytes, which are then passed. */
  private ByteBuffer need(int count) throws IOException {
    if (at + count > size) {
      throw cutOff(count + " bytes of the header", at);
    }
    if (at < windowStart || at + count > windowStart + window.limit()) {
      window = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
      windowStart = at;
      while (window.hasRemaining() && channel.read(window, windowStart + window.position()) >= 0) {}
      window.flip();
    }
    window.position((int) (at - windowStart));
    at += count;
    return window;
  }

  private InvalidInputException cutOff(String what, long from) {
    return new InvalidInputException(
        path
            + ": cut off or damaged: it ends after "
            + size
            + " bytes, too early for "
            + what
            + " from byte "
            + Long.toUnsignedString(from)
            + " on; fetch it again");
  }

  InvalidInputException bad(String expected, String found) {
    return new InvalidInputException(path + ": expected " + expected + ", found " + found);
  }

  Path path() {
    return path;
  }

  public Map<String, Entry> tensors() {
    return tensors;
  }

  /**
   * A key's value: a text, a {@code Long}, {@code Double} or {@code Boolean}, or a list of them.
   */
  Optional<Object> value(String key) {
    return Optional.ofNullable(metadata.get(key));
  }

  Optional<String> text(String key) {
    return Optional.ofNullable(metadata.get(key))
        .filter(String.class::isInstance)
        .map(String.class::cast);
  }

  Optional<Long> number(String key) {
    return Optional.ofNullable(metadata.get(key))
        .filter(Long.class::isInstance)
        .map(Long.class::cast);
  }

  Optional<Double> real(String key) {
    return Optional.ofNullable(metadata.get(key))
        .filter(Number.class::isInstance)
        .map(n -> ((Number) n).doubleValue());
  }

  Optional<Boolean> flag(String key) {
    return Optional.ofNullable(metadata.get(key))
        .filter(Boolean.class::isInstance)
        .map(Boolean.class::cast);
  }

  /** A list whose elements are all of {@code type}. */
  <T> Optional<List<T>> list(String key, Class<T> type) {
    if (!(metadata.get(key) instanceof List<?> list) || !list.stream().allMatch(type::isInstance)) {
      return Optional.empty();
    }
    return Optional.of(list.stream().<T>map(type::cast).toList());
  }

  /** A tensor's elements as float32. */
  public float[] floats(Entry entry) {
    if (entry.part() > 0) {
      return others.get(entry.part() - 1).decoded(entry);
    }
    return decoded(entry);
  }

  private float[] decoded(Entry entry) {
    long bytes = entry.type().bytes(entry.elements(), entry.name());
    try {
      ByteBuffer mapped =
          channel
              .map(FileChannel.MapMode.READ_ONLY, entry.offset(), bytes)
              .order(ByteOrder.LITTLE_ENDIAN);
      float[] floats = new float[Math.toIntExact(entry.elements())];
      entry.type().decode(mapped, floats);
      return floats;
    } catch (IOException e) {
      throw new StorageException(path + ": cannot be read: " + e, e);
    }
  }

  @Override
  public void close() {
    closeQuietly(channel);
    others.forEach(GgufFile::close);
  }
}
