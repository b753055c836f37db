package org.autodidact.cli.output;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.TreeMap;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/**
 * Writes JSON lines in the order of the input although they come in any order: a line waits for
 * those before it. What waits when the work ends early is written too; until then it is in a file
 * of its own, {@code FILE.waiting}, where it is found if the process is killed.
 */
public final class OrderedLines implements AutoCloseable {
  private final Path file;
  private final Path aside;
  private BufferedWriter out;
  private BufferedWriter asideOut;
  private final TreeMap<Integer, String> waiting = new TreeMap<>();
  private OpenOption[] how = {};
  private int next;

  /**
   * Opens nothing before there is a line: a failure before leaves the file as it was. Refuses at
   * once what could not be written, so that nothing is computed for it.
   *
   * @param read the command's input, which it must not write over
   */
  public OrderedLines(Path file, Path... read) {
    this.file = file;
    this.aside = Path.of(file + ".waiting");
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(file)) {
      throw new StorageException(file + ": cannot be written: it is a folder; name a file");
    }
    if (!Files.isWritable(folder) && Files.exists(folder) || Files.isRegularFile(folder)) {
      throw new StorageException(
          file + ": cannot be written: " + folder + " is no writable folder");
    }
    if (Files.exists(file) && !Files.isWritable(file)) {
      throw new StorageException(file + ": cannot be written: it may be read only");
    }
    for (Path input : read) {
      if (isSame(input)) {
        throw new InvalidInputException(
            file + ": would be written over what is read from it; name another file");
      }
    }
  }

  private boolean isSame(Path input) {
    try {
      return Files.exists(file) && Files.exists(input) && Files.isSameFile(file, input);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * Goes on with a file that was cut off: its whole lines stay and are not written again, what is
   * after them goes.
   */
  public static OrderedLines goOn(Path file) {
    OrderedLines lines = new OrderedLines(file);
    lines.how = new OpenOption[] {StandardOpenOption.CREATE, StandardOpenOption.APPEND};
    if (Files.isRegularFile(file)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        String text = Files.readString(file);
        String whole = text.substring(0, text.lastIndexOf('\n') + 1);
        channel.truncate(whole.getBytes(StandardCharsets.UTF_8).length);
        lines.next = (int) whole.lines().count();
      } catch (IOException e) {
        throw new StorageException(file + ": cannot be gone on with: " + e, e);
      }
    }
    return lines;
  }

  /** How many lines are in the file. */
  public int written() {
    return next;
  }

  public void put(int index, Object value) {
    if (index < next) {
      return;
    }
    waiting.put(index, JsonReport.text(value));
    try {
      if (out == null) {
        Files.createDirectories(file.toAbsolutePath().getParent());
        out = Files.newBufferedWriter(file, how);
      }
      if (index > next) {
        setAside(waiting.get(index));
      }
      while (!waiting.isEmpty() && waiting.firstKey() == next) {
        out.write(waiting.pollFirstEntry().getValue() + "\n");
        next++;
      }
      out.flush();
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be written: " + e, e);
    }
  }

  private void setAside(String line) throws IOException {
    if (asideOut == null) {
      asideOut = Files.newBufferedWriter(aside);
    }
    asideOut.write(line + "\n");
    asideOut.flush();
  }

  @Override
  public void close() {
    if (out == null) {
      return;
    }
    try {
      for (String line : waiting.values()) {
        out.write(line + "\n");
      }
      out.close();
      if (asideOut != null) {
        asideOut.close();
        Files.delete(aside);
      }
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be written: " + e, e);
    }
  }
}
