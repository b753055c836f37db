package org.autodidact.external;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The file with what the command says to people: its standard error, and lines that report nothing.
 */
record Log(Path file) {
  private static final int END_BYTES = 1 << 13;

  void append(String line) throws IOException {
    if (!line.isBlank()) {
      Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  /** Its last line that is not blank. */
  String end() throws IOException {
    if (!Files.exists(file)) {
      return "it said nothing";
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer bytes = ByteBuffer.allocate(END_BYTES);
      long from = Math.max(0, channel.size() - END_BYTES);
      while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {
        // until it is full or the file ends
      }
      return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank())
          .reduce((one, next) -> next)
          .map(String::strip)
          .orElse("it said nothing");
    }
  }
}
