package org.autodidact.checkpoints;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.gguf.Gguf;
import org.autodidact.checkpoints.gguf.GgufFile;
import org.autodidact.checkpoints.gguf.TinyGguf;
import org.autodidact.checkpoints.jinja.JinjaException;
import org.autodidact.checkpoints.jinja.JinjaTemplate;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.TensorFiles;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.autodidact.checkpoints.tokenizer.SpecialTokens;

/**
 * Files from strangers open or are refused by a typed failure. With the build these run over the
 * inputs found so far; {@code JAZZER_FUZZ=1 mvn test -pl plugins/libraries/checkpoints
 * -Dtest=FuzzTest#gguf} looks for more.
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

  /** What is tried of a folder that has one file. */
  private static void attemptIn(String name, byte[] bytes, Attempt attempt) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    try {
      Files.write(folder.resolve(name), bytes);
      attempt.on(folder);
    } catch (AutodidactException expected) {
      // refused, as it should be
    } finally {
      AtomicFolders.deleteIfThere(folder);
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

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void config(byte[] bytes) throws IOException {
    attemptIn("config.json", bytes, ConfigReader::read);
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void tokenizerConfig(byte[] bytes) throws IOException {
    attemptIn("tokenizer_config.json", bytes, SpecialTokens::read);
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void index(byte[] bytes) throws IOException {
    attemptIn(
        "model.safetensors.index.json",
        bytes,
        folder -> {
          ByteBuffer bytesOfOne = ByteBuffer.allocate(4);
          Safetensors.write(
              folder.resolve("a.safetensors"),
              Map.of("a", new WeightSource(List.of(1L), bytesOfOne::duplicate)));
          TensorFiles.read(folder);
        });
  }

  /** As the second of two files, and as a whole. */
  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void splitGguf(byte[] bytes) throws IOException {
    attemptIn(
        "m-00002-of-00002.gguf",
        bytes,
        folder -> {
          TinyGguf first = new TinyGguf();
          first.metadata.putAll(Map.of("split.no", 0, "split.count", 2));
          first.tensors.remove("output_norm.weight");
          Path file = first.write(folder.resolve("m-00001-of-00002.gguf"));
          Gguf.importInto(file, folder.resolve("out"));
        });
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void ggufImport(byte[] bytes) throws IOException {
    attemptIn(
        "m.gguf",
        bytes,
        folder -> {
          Gguf.importInto(folder.resolve("m.gguf"), folder.resolve("out"));
          ConfigReader.read(folder.resolve("out"));
        });
  }

  @com.code_intelligence.jazzer.junit.FuzzTest(maxDuration = "2m")
  void tokenizer(byte[] bytes) throws IOException {
    attemptIn(
        "tokenizer.json",
        bytes,
        folder -> {
          try (PromptEncoder encoder = PromptEncoder.open(folder)) {
            encoder.decode(encoder.text("ab 12 \u00e9"));
          }
        });
  }
}
