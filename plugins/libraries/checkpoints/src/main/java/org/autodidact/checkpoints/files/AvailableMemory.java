package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** Memory that programs can still take, as Linux says it. */
public final class AvailableMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final String NAME = "MemAvailable:";

  private AvailableMemory() {}

  /** In GB (10^9 bytes); empty on other systems. */
  public static OptionalDouble gigabytes() {
    try (Stream<String> lines = Files.lines(MEMINFO)) {
      return lines
          .filter(line -> line.startsWith(NAME))
          .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e9)
          .findFirst();
    } catch (IOException e) {
      return OptionalDouble.empty();
    }
  }

  /** Whether so much fits, in words to be put after an amount of memory. */
  public static String verdict(double gigabytes) {
    OptionalDouble there = gigabytes();
    if (there.isEmpty()) {
      return "";
    }
    return gigabytes <= there.getAsDouble()
        ? " (fits)"
        : String.format(Locale.ROOT, " (does not fit: %.1f GB are available)", there.getAsDouble());
  }
}
