package org.autodidact.checkpoints.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
    assertThatThrownBy(() -> GgufFile.open(file("not a model".getBytes(StandardCharsets.UTF_8))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("file.gguf")
        .hasMessageContaining("not a GGUF file");
    assertThatThrownBy(() -> GgufFile.open(folder.resolve("none.gguf")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("missing; expected a GGUF file");
  }

  /** Cut anywhere: in a number, a text, a list, the list of tensors, the padding or a tensor. */
  @ParameterizedTest
  @ValueSource(strings = {"types", "qwen2"})
  void aFileThatWasCutOffIsNamed(String name) throws Exception {
    byte[] whole = fixture(name + ".gguf");
    long end = 0;
    try (GgufFile gguf = GgufFile.open(file(whole))) {
      for (GgufFile.Entry entry : gguf.tensors().values()) {
        end = Math.max(end, entry.offset() + entry.type().bytes(entry.elements(), name));
      }
    }
    for (int size = 0; size < end; size += size < 4000 ? 1 : 97) {
      Path cut = file(Arrays.copyOf(whole, size));
      assertThatThrownBy(() -> GgufFile.open(cut))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining(
              cut + ": cut off or damaged: it ends after " + size + " bytes, too early for ")
          .hasMessageEndingWith(" on; fetch it again");
    }
  }

  @Test
  void aFileWithoutAModelIsRefusedAndLeavesNothing() throws Exception {
    Path file = file(fixture("types.gguf"));
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> Gguf.importInto(file, out))
        .isInstanceOf(UnsupportedModelException.class);
    assertThat(out).doesNotExist();
  }

  /**
   * Their ith element is the CRC-32 of Hugging Face's name, modulo 1000, plus i: see
   * src/test/python/make_gguf_models.py.
   */
  @ParameterizedTest
  @CsvSource({
    "qwen2, qwen2, 14, abe\u0301ab, '7,11,7'",
    "qwen3, qwen3, 13, ab ab, '7,8,7'",
    "gemma3, gemma3_text, 15, ab ab\u00e9, '264,265,200,174'"
  })
  void everyTensorGetsItsNameAndPlace(
      String name, String type, int tensors, String text, String ids) throws Exception {
    Path out = folder.resolve(name);
    Gguf.importInto(file(fixture(name + ".gguf")), out);
    try (ModelFolder model = ModelFolder.open(out)) {
      ModelConfig config = model.config();
      assertThat(config.modelType()).isEqualTo(type);
      assertThat(config.headSize()).isEqualTo(16);
      assertThat(config.tiedEmbeddings()).isTrue();
      assertThat(config.attention()).hasSize(1);
      assertThat(config.attention().get(0).window().isPresent()).isEqualTo(name.equals("gemma3"));
      assertThat(config.endOfTextIds()).containsExactly(1, 4);
      assertThat(model.tensors()).hasSize(tensors);
      for (TensorInfo tensor : model.tensors().values()) {
        CRC32 sum = new CRC32();
        sum.update(tensor.name().getBytes(StandardCharsets.UTF_8));
        float[] expected = new float[(int) tensor.elements()];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = sum.getValue() % 1000 + i;
        }
        assertThat(model.floats(tensor)).as(tensor.name()).isEqualTo(expected);
      }
      assertThat(model.encoder().text(text))
          .isEqualTo(Arrays.stream(ids.split(",", -1)).mapToInt(Integer::parseInt).toArray());
    }
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
