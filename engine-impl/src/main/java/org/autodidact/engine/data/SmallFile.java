package org.autodidact.engine.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/** Text files that people write by hand: configurations and templates. */
public final class SmallFile {
  /** Bytes at most. */
  static final int LENGTH = 1 << 20;

  private SmallFile() {}

  /**
   * The text of a regular file.
   *
   * @param what it is, for errors: "the configuration"
   * @throws InvalidInputException where it is not there, no regular file, longer than 1 MiB or not
   *     UTF-8
   */
  public static String read(Path file, String what) {
    requireRegular(file, what);
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(LENGTH + 1);
    } catch (IOException e) {
      throw new StorageException(file + ": " + what + " cannot be read: " + e, e);
    }
    if (bytes.length > LENGTH) {
      throw new InvalidInputException(
          file
              + ": "
              + what
              + " is longer than "
              + LENGTH
              + " bytes; is it the file that was meant?");
    }
    FileKind.refuse(file, java.util.Arrays.copyOf(bytes, Math.min(bytes.length, FileKind.LENGTH)));
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(in).toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      int line = 1;
      for (int i = 0; i < in.position(); i++) {
        line += bytes[i] == '\n' ? 1 : 0;
      }
      throw new InvalidInputException(
          file + ", line " + line + ": not UTF-8 text; convert it, as by iconv -f LATIN1 -t UTF-8",
          e);
    }
  }

  /** Refuses what is not there, and what cannot be read again: pipes, devices, folders. */
  public static void requireRegular(Path file, String what) {
    if (!Files.exists(file)) {
      throw new InvalidInputException(file + ": there is no such file, for " + what);
    }
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          file + ": " + what + " must be a regular file, not a folder, pipe or device");
    }
  }
}
