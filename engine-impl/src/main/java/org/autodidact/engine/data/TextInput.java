package org.autodidact.engine.data;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.autodidact.api.InvalidInputException;

/**
 * The text of a data file or a pipe, read once from beginning to end: UTF-8, compressed by gzip or
 * not. What is no such text, or has no end, is refused by file and line before memory is full of
 * it. Not thread-safe.
 */
final class TextInput extends Reader {
  /**
   * Characters of one line, or of one object of a list; the longest of public data have some 1e6.
   */
  static final int LINE_LENGTH = 1 << 24;

  /** Characters of a file. */
  static final long LENGTH = 1L << 32;

  /**
   * How many times as long a text may be as it is compressed: JSON has 3 to 10, the same line again
   * and again 100 to 150, and 1,032 is what gzip can do.
   */
  private static final int EXPANSION = 200;

  /** Bytes that may be expanded whatever the compression ratio. */
  private static final long SMALL = 16L << 20;

  private static final int BUFFER = 1 << 16;

  /** Some editors begin UTF-8 text with it. */
  private static final char BYTE_ORDER_MARK = 0xfeff;

  private final Path file;
  private final InputStream bytes;
  private final Compressed compressed;
  private final boolean gzip;
  private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
  private final ByteBuffer in = ByteBuffer.allocate(BUFFER).flip();
  private final CharBuffer out = CharBuffer.allocate(BUFFER).flip();
  private long expanded;
  private long characters;
  private long allowed;
  private long lines = 1;
  private boolean afterReturn;
  private boolean end;
  private boolean broken;

  private TextInput(Path file, InputStream bytes, Compressed compressed, boolean gzip) {
    this.file = file;
    this.bytes = bytes;
    this.compressed = compressed;
    this.gzip = gzip;
  }

  static TextInput open(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new InvalidInputException(file + ": is a folder; name a file of JSON lines");
    }
    Compressed in = new Compressed(Files.newInputStream(file));
    try {
      byte[] first = in.peek();
      FileKind.refuse(file, first, "JSON lines");
      boolean gzip = FileKind.isGzip(first);
      return new TextInput(file, gzip ? new GZIPInputStream(in, BUFFER) : in, in, gzip);
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  /**
   * Passes over blanks and empty lines, and a byte order mark.
   *
   * @return the character after them, which is not taken; -1 at the end
   */
  int skipBlank() throws IOException {
    while (fill()) {
      char c = out.get(out.position());
      if (!Character.isWhitespace(c) && !(c == BYTE_ORDER_MARK && position() == 0)) {
        return c;
      }
      out.get();
      count(c);
    }
    return -1;
  }

  private long position() {
    return characters - out.remaining();
  }

  /** The number of the line that the next character is in, from 1. */
  long line() {
    return lines;
  }

  /** The rest of the line, without its end (a line feed, a carriage return or both); null: none. */
  String readLine() throws IOException {
    StringBuilder line = null;
    while (fill()) {
      if (line == null) {
        line = new StringBuilder();
      }
      while (out.hasRemaining()) {
        char c = out.get();
        count(c);
        if (c == '\n' || c == '\r') {
          return line.toString();
        }
        if (line.length() == LINE_LENGTH) {
          throw new InvalidInputException(
              where()
                  + ": the line has more than "
                  + LINE_LENGTH
                  + " characters; cut it into rows");
        }
        line.append(c);
      }
    }
    return line == null ? null : line.toString();
  }

  /** Allows one more object of a list to be read. */
  void allowObject() {
    allowed = LINE_LENGTH;
  }

  @Override
  public int read(char[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int count = Math.min(length, out.remaining());
    allowed -= count;
    if (allowed < 0) {
      throw new InvalidInputException(
          where() + ": an object of the list has more than " + LINE_LENGTH + " characters");
    }
    out.get(target, offset, count);
    for (int i = 0; i < count; i++) {
      count(target[offset + i]);
    }
    return count;
  }

  private void count(char c) {
    if (c == '\r' || c == '\n' && !afterReturn) {
      lines++;
    }
    afterReturn = c == '\r';
  }

  private String where() {
    return file + ", line " + lines;
  }

  /**
   * Whether there is one more character. What is before a byte that is not UTF-8 is given first.
   */
  private boolean fill() throws IOException {
    if (out.hasRemaining()) {
      return true;
    }
    if (broken) {
      throw new InvalidInputException(
          where() + ": not UTF-8 text; convert it, as by iconv -f LATIN1 -t UTF-8");
    }
    out.clear();
    while (true) {
      CoderResult result = decoder.decode(in, out, end);
      broken = result.isMalformed();
      if (out.position() > 0 || broken || end) {
        break;
      }
      in.compact();
      int count = bytes.read(in.array(), in.position(), in.remaining());
      end = count < 0;
      in.position(in.position() + Math.max(0, count)).flip();
      expanded += Math.max(0, count);
      if (gzip && expanded > SMALL && expanded / EXPANSION > compressed.taken) {
        throw new InvalidInputException(
            file
                + ": gzip makes more than "
                + EXPANSION
                + " bytes of each of its bytes, which no data do; if it is meant, unpack it first");
      }
    }
    out.flip();
    characters += out.remaining();
    if (characters > LENGTH) {
      throw new InvalidInputException(
          where() + ": longer than " + LENGTH + " characters; give a part of it");
    }
    return out.hasRemaining() || broken && fill();
  }

  @Override
  public void close() throws IOException {
    bytes.close();
  }

  /** Counts what is taken of a file, and can look at its beginning. */
  private static final class Compressed extends FilterInputStream {
    private final PushbackInputStream again;
    private long taken;

    Compressed(InputStream in) {
      super(new PushbackInputStream(in, FileKind.LENGTH));
      again = (PushbackInputStream) this.in;
    }

    byte[] peek() throws IOException {
      byte[] first = again.readNBytes(FileKind.LENGTH);
      again.unread(first);
      return first;
    }

    @Override
    public int read() throws IOException {
      int read = in.read();
      taken += read < 0 ? 0 : 1;
      return read;
    }

    @Override
    public int read(byte[] b, int offset, int length) throws IOException {
      int read = in.read(b, offset, length);
      taken += Math.max(0, read);
      return read;
    }

    /**
     * 0 at the end alone, whatever waits: of a pipe whose writer is slower GZIPInputStream, which
     * asks after each member, would otherwise leave out those after the first.
     */
    @Override
    public int available() throws IOException {
      int next = in.read();
      if (next >= 0) {
        again.unread(next);
      }
      return next < 0 ? 0 : 1;
    }
  }
}
