package org.autodidact.checkpoints.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

public class BoundedFilesTest {
  @TempDir Path folder;

  /** A pipe that nobody writes to; skipped where the system has none. */
  public static Path pipe(Path path) throws Exception {
    try {
      Process process = new ProcessBuilder("mkfifo", path.toString()).start();
      assumeTrue(process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0, "no mkfifo");
    } catch (java.io.IOException e) {
      assumeTrue(false, "no mkfifo");
    }
    return path;
  }

  @Test
  void aFileIsReadUpToItsLimit() throws Exception {
    Path file = Files.writeString(folder.resolve("a.json"), "12345");
    assertThat(BoundedFiles.read(file, 5, "a number")).hasSize(5);
    assertThat(BoundedFiles.text(file, 5, "a number")).isEqualTo("12345");
    assertThatThrownBy(() -> BoundedFiles.read(file, 4, "a number"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": expected a number of at most 4 bytes, found more");
    Path large = Files.write(folder.resolve("large"), new byte[200_000]);
    assertThat(BoundedFiles.read(large, 1 << 20, "zeros")).hasSize(200_000);
  }

  @Test
  @Timeout(60)
  void onlyRegularFilesAreRead() throws Exception {
    assertThatThrownBy(() -> BoundedFiles.read(folder, 9, "a number"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(folder + ": expected a number in a regular file, found a folder");
    assertThatThrownBy(() -> BoundedFiles.read(folder.resolve("none"), 9, "a number"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("missing; expected a number");
    Path pipe = pipe(folder.resolve("pipe"));
    assertThatThrownBy(() -> BoundedFiles.open(pipe, "a number"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("a pipe, a device");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("/dev/zero"));
    assertThatThrownBy(() -> BoundedFiles.read(link, 9, "a number"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("a pipe, a device");
  }

  @Test
  void textThatIsNotUtf8IsNamedByItsLine() throws Exception {
    byte[] latin = "ab\nc\u00e9\n".getBytes(StandardCharsets.ISO_8859_1);
    Path file = Files.write(folder.resolve("latin.jinja"), latin);
    assertThatThrownBy(() -> BoundedFiles.text(file, 99, "a template"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            file
                + ": expected text in UTF-8, found the byte 0xe9 in line 2 (byte 5 of the file);"
                + " save it as UTF-8");
    assertThat(BoundedFiles.text("\u3000\u00e9\ud83d\ude00".getBytes(StandardCharsets.UTF_8), "x"))
        .isEqualTo("\u3000\u00e9\ud83d\ude00");
    assertThatThrownBy(() -> BoundedFiles.text(new byte[] {'a', (byte) 0xe2, (byte) 0x82}, "x"))
        .hasMessageContaining("byte 2 of the file");
  }
}
