package org.autodidact.engine.data;

import java.nio.file.Path;
import java.util.Arrays;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.files.BoundedFiles;

/** Text files that people write by hand: configurations and templates. */
public final class SmallFile {
  private static final long LENGTH = 1 << 20;

  private SmallFile() {}

  /**
   * The text of a regular file, without a byte order mark.
   *
   * @param what it is, for errors: "a configuration"
   * @throws InvalidInputException where it is not there, no regular file, longer than 1 MiB or not
   *     UTF-8
   */
  public static String read(Path file, String what) {
    byte[] bytes = BoundedFiles.read(file, LENGTH, what);
    byte[] first = Arrays.copyOf(bytes, Math.min(bytes.length, FileKind.LENGTH));
    FileKind.refuse(file, first, "a text in UTF-8");
    String text = BoundedFiles.text(bytes, file.toString());
    return text.startsWith("\uFEFF") ? text.substring(1) : text;
  }
}
