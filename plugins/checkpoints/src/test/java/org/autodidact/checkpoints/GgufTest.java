package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufTest {
  @TempDir Path folder;

  static byte[] fixture(String name) {
    try (InputStream in = GgufTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Path file(byte[] bytes) throws Exception {
    return Files.write(folder.resolve("file.gguf"), bytes);
  }

  /** types.f32 was made by the Python package gguf: see src/test/python/make_gguf_fixture.py. */
  @Test
  void everyTypeDecodesAsTheReferenceDoes() throws Exception {
    FloatBuffer expected =
        ByteBuffer.wrap(fixture("types.f32")).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    try (GgufFile gguf = GgufFile.open(file(fixture("types.gguf")))) {
      assertThat(gguf.tensors()).hasSize(GgmlType.values().length);
      for (GgufFile.Entry entry : gguf.tensors().values()) {
        float[] reference = new float[(int) entry.elements()];
        expected.get(reference);
        float[] found = gguf.floats(entry);
        for (int i = 0; i < found.length; i++) {
          assertThat(found[i])
              .as("%s, element %d", entry.name(), i)
              .isCloseTo(
                  reference[i],
                  org.assertj.core.api.Assertions.within(Math.abs(reference[i]) * 1e-6f));
        }
      }
    }
    assertThat(expected.hasRemaining()).isFalse();
  }

  @Test
  void anotherFileIsNamed() throws Exception {
    assertThatThrownBy(
            () ->
                GgufFile.open(
                    file("not a model".getBytes(java.nio.charset.StandardCharsets.UTF_8))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("file.gguf")
        .hasMessageContaining("not a GGUF file");
    assertThatThrownBy(() -> GgufFile.open(folder.resolve("none.gguf")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void aTruncatedFileIsNamed() throws Exception {
    byte[] whole = fixture("types.gguf");
    assertThatThrownBy(
            () -> GgufFile.open(file(java.util.Arrays.copyOf(whole, whole.length - 100))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("truncated");
  }

  @Test
  void aFileWithoutAModelIsRefusedAndLeavesNothing() throws Exception {
    Path file = file(fixture("types.gguf"));
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> Gguf.importInto(file, out))
        .isInstanceOf(UnsupportedModelException.class);
    assertThat(out).doesNotExist();
  }

  /** Whatever is written into the header: it opens or it is refused by a typed failure. */
  @Property(tries = 400)
  void damagedHeadersAreRefused(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int changes)
      throws Exception {
    byte[] bytes = fixture("types.gguf");
    Random random = new Random(seed);
    for (int i = 0; i < changes; i++) {
      bytes[random.nextInt(1024)] = (byte) random.nextInt();
    }
    Path file = Files.createTempFile("damaged", ".gguf");
    try {
      Files.write(file, bytes);
      try (GgufFile gguf = GgufFile.open(file)) {
        gguf.tensors().values().forEach(gguf::floats);
      } catch (AutodidactException e) {
        assertThat(e).hasMessageContaining(file.getFileName().toString());
      }
    } finally {
      Files.delete(file);
    }
  }
}
