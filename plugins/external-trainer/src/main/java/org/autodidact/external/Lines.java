package org.autodidact.external;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The lines of a file that grows. Not thread-safe. */
final class Lines implements AutoCloseable {
  /** Of a longer line the rest is dropped: it reports nothing. */
  private static final int LONGEST = 1 << 20;

  private final InputStream in;
  private final byte[] chunk = new byte[1 << 16];
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private int at;
  private int end;
  private long position;

  Lines(Path file) throws IOException {
    this.in = Files.newInputStream(file);
  }

  /**
   * A line.
   *
   * @param end its last byte's place in the file
   */
  record Line(String text, long end) {}

  /**
   * The next line, if it is there yet.
   *
   * @param whole whether the file grows no more, so that its last line may lack a line's end
   */
  Optional<Line> next(boolean whole) throws IOException {
    while (true) {
      if (at == end) {
        at = 0;
        end = Math.max(0, in.read(chunk));
        if (end == 0) {
          return whole && line.size() > 0 ? Optional.of(taken()) : Optional.empty();
        }
      }
      byte next = chunk[at++];
      position++;
      if (next == '\n') {
        return Optional.of(taken());
      }
      if (line.size() < LONGEST) {
        line.write(next);
      }
    }
  }

  private Line taken() {
    Line taken = new Line(line.toString(StandardCharsets.UTF_8), position);
    line.reset();
    return taken;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
