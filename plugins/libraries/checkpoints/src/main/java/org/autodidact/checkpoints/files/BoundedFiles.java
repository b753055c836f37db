package org.autodidact.checkpoints.files;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.function.Supplier;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/**
 * Reads files that others made. Only regular files are opened, since a pipe waits for ever and a
 * device never ends, and no more is read than a file of its kind may hold. Stateless.
 */
public final class BoundedFiles {
  /** Limit of files that describe a model: settings, lists of tensors, templates. */
  public static final long DESCRIPTION = 64L << 20;

  private static final int CHUNK = 1 << 16;

  private BoundedFiles() {}

  /**
   * Refuses what is no regular file. Symbolic links are followed.
   *
   * @param what the file is for, as the error says it, for example {@code a model's configuration}
   * @throws InvalidInputException where there is no file, or a folder, a pipe or a device
   * @throws StorageException where the system does not say
   */
  public static void requireRegular(Path file, String what) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (!attributes.isRegularFile()) {
        throw new InvalidInputException(
            file
                + ": expected "
                + what
                + " in a regular file, found "
                + (attributes.isDirectory() ? "a folder" : "a pipe, a device or the like"));
      }
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": missing; expected " + what, e);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * Opens a regular file for reading; the caller closes it.
   *
   * @throws InvalidInputException as {@link #requireRegular}
   * @throws StorageException where it cannot be read
   */
  public static FileChannel open(Path file, String what) {
    requireRegular(file, what);
    try {
      return FileChannel.open(file, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * All bytes of a regular file.
   *
   * @param maxBytes the most that it may have
   * @throws InvalidInputException as {@link #requireRegular}, and where the file is larger
   * @throws StorageException where it cannot be read
   */
  public static byte[] read(Path file, long maxBytes, String what) {
    try (FileChannel channel = open(file, what)) {
      if (channel.size() > maxBytes) {
        throw tooLarge(file, maxBytes, what);
      }
      // A size is a promise: a file may grow, and those of /proc say 0.
      ByteArrayOutputStream bytes =
          new ByteArrayOutputStream((int) Math.min(channel.size() + 1, CHUNK));
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
      while (channel.read(chunk.clear()) >= 0) {
        if (bytes.size() + (long) chunk.position() > maxBytes) {
          throw tooLarge(file, maxBytes, what);
        }
        bytes.write(chunk.array(), 0, chunk.position());
      }
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * The text of a regular file in UTF-8.
   *
   * @throws InvalidInputException as {@link #read}, and where a byte is not UTF-8, which is named
   *     with its line
   * @throws StorageException where it cannot be read
   */
  public static String text(Path file, long maxBytes, String what) {
    return text(read(file, maxBytes, what), file.toString());
  }

  /**
   * The text of bytes in UTF-8.
   *
   * @param source where they are from, as the error says it
   */
  public static String text(byte[] bytes, String source) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      return decoder.decode(in).toString();
    } catch (CharacterCodingException e) {
      int at = firstWrong(bytes);
      int line = 1;
      for (int i = 0; i < at; i++) {
        line += bytes[i] == '\n' ? 1 : 0;
      }
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s: expected text in UTF-8, found the byte 0x%02x in line %d (byte %d of the file); save it as UTF-8",
              source,
              bytes[at] & 0xff,
              line,
              at + 1),
          e);
    }
  }

  /**
   * Runs a reader of somebody else's file, whose nesting or sizes may exhaust the stack or the
   * heap.
   *
   * @param source the file, as the error says it
   * @throws InvalidInputException where they are exhausted, and what {@code reader} throws
   */
  public static <T> T guarded(Object source, Supplier<T> reader) {
    try {
      return reader.get();
    } catch (StackOverflowError e) {
      throw new InvalidInputException(source + ": cannot be read: it is nested too deep", e);
    } catch (OutOfMemoryError e) {
      throw new InvalidInputException(
          source
              + ": cannot be read: what it says takes more memory than Java may use; if it is"
              + " right, raise -Xmx",
          e);
    }
  }

  private static int firstWrong(byte[] bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(CHUNK);
    CoderResult result;
    do {
      result = decoder.decode(in, out.clear(), true);
    } while (result.isOverflow());
    return in.position();
  }

  private static InvalidInputException tooLarge(Path file, long maxBytes, String what) {
    return new InvalidInputException(
        file + ": expected " + what + " of at most " + maxBytes + " bytes, found more");
  }
}
