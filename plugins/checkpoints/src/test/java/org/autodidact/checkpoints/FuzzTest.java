package org.autodidact.checkpoints;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.checkpoints.jinja.JinjaException;
import org.autodidact.checkpoints.jinja.JinjaTemplate;

/**
 * Files from strangers open or are refused by a typed failure. With the build these run over the
 * inputs found so far; {@code JAZZER_FUZZ=1 mvn test -pl plugins/checkpoints -Dtest=FuzzTest#gguf}
 * looks for more.
 */
class FuzzTest {
  /** What is tried. */
  private interface Attempt {
    void on(Path file) throws IOException;
  }

  private static void attempt(String suffix, byte[] bytes, Attempt attempt) throws IOException {
    Path file = Files.createTempFile("fuzz", suffix);
    try {
      Files.write(file, bytes);
      attempt.on(file);
    } catch (AutodidactException expected) {
      // refused, as it should be
    } finally {
      Files.deleteIfExists(file);
    }
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void gguf(byte[] bytes) throws IOException {
    attempt(
        ".gguf",
        bytes,
        file -> {
          try (GgufFile gguf = GgufFile.open(file)) {
            gguf.tensors().values().forEach(gguf::floats);
          }
        });
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void safetensors(byte[] bytes) throws IOException {
    attempt(".safetensors", bytes, Safetensors::read);
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void config(byte[] bytes) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    Path file = folder.resolve("config.json");
    try {
      Files.write(file, bytes);
      ConfigReader.read(folder);
    } catch (AutodidactException expected) {
      // refused, as it should be
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void template(byte[] bytes) {
    try {
      JinjaTemplate.parse(new String(bytes, UTF_8))
          .render(
              Map.of("messages", List.of(Map.of("role", "user", "content", "{{ x }}"))),
              Clock.systemUTC());
    } catch (JinjaException expected) {
      // refused, as it should be
    }
  }
}
