package org.autodidact.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux says of this process. */
final class ProcessMemory {
  private ProcessMemory() {}

  /**
   * A line of {@code /proc/self/status}: {@code VmRSS}, resident now, or {@code VmHWM}, at most.
   */
  static long megabytes(String line) {
    try {
      for (String found : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (found.startsWith(line + ":")) {
          return Long.parseLong(found.replaceAll("\\D", "")) / 1024;
        }
      }
      return -1;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
