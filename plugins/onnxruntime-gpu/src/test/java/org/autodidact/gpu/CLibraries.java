package org.autodidact.gpu;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * Compiles the libraries of src/test/c; without a C compiler the tests that need them are skipped.
 */
public final class CLibraries {
  private CLibraries() {}

  /**
   * Compiles a source into a library.
   *
   * @param options of the compiler, such as {@code -DNAME=1}
   */
  public static Path compile(Path folder, String source, String... options) throws Exception {
    Path library = folder.resolve(source + String.join("", options).hashCode() + ".so");
    if (Files.exists(library)) {
      return library;
    }
    List<String> command = new ArrayList<>(List.of("cc", "-shared", "-fPIC", "-O1", "-Wall"));
    command.addAll(List.of(options));
    command.addAll(List.of("-o", library.toString(), "src/test/c/" + source + ".c"));
    try {
      File log = folder.resolve(source + ".log").toFile();
      Process process =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
      if (process.waitFor() != 0) {
        throw new AssertionError(Files.readString(log.toPath()));
      }
    } catch (IOException e) {
      Assumptions.abort("no C compiler: " + e.getMessage());
    }
    return library;
  }
}
