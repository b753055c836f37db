package org.autodidact.cli;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import org.autodidact.api.StorageException;

/**
 * Writes JSON lines in the order of the input although they come in any order: a line waits for
 * those before it. What waits when the work ends early is written too.
 */
final class OrderedLines implements AutoCloseable {
  private final Path file;
  private final BufferedWriter out;
  private final TreeMap<Integer, String> waiting = new TreeMap<>();
  private int next;

  OrderedLines(Path file) {
    this.file = file;
    try {
      Path parent = file.toAbsolutePath().getParent();
      Files.createDirectories(parent);
      this.out = Files.newBufferedWriter(file);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be written: " + e, e);
    }
  }

  void put(int index, Object value) {
    waiting.put(index, JsonReport.text(value));
    try {
      while (!waiting.isEmpty() && waiting.firstKey() == next) {
        out.write(waiting.pollFirstEntry().getValue() + "\n");
        next++;
      }
      out.flush();
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be written: " + e, e);
    }
  }

  @Override
  public void close() {
    try {
      for (String line : waiting.values()) {
        out.write(line + "\n");
      }
      out.close();
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be written: " + e, e);
    }
  }
}
