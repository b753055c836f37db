package org.autodidact.checkpoints.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.checkpoints.reference.ReferenceDecoder;
import org.autodidact.checkpoints.safetensors.Float16;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GgufExportTest {
  private static final int[] IDS = {40, 41, 42, 90, 17, 200, 33};

  @TempDir Path folder;

  /** A small checkpoint whose pre-tokenizer llama.cpp knows. */
  private Path checkpoint(String name) throws Exception {
    Path path = SmallModels.write(folder.resolve(name), name);
    Path tokenizer = path.resolve("tokenizer.json");
    Files.writeString(
        tokenizer,
        Files.readString(tokenizer).replaceAll("\"use_regex\" ?: ?false", "\"use_regex\":true"));
    return path;
  }

  /** What is written is read back: numbers up to their rounding, prompts to the same tokens. */
  @ParameterizedTest
  @CsvSource({
    "qwen2, F32, 1e-7",
    "qwen2, F16, 2e-3",
    "qwen3, F16, 2e-3",
    "granite, F16, 2e-3",
    "qwen2, BF16, 2e-2",
    "qwen3, BF16, 2e-2",
    "qwen3, Q8_0, 2e-2",
    "granite, Q8_0, 4e-2"
  })
  void whatIsWrittenIsReadBack(String name, GgufExport.Weights weights, double tolerance)
      throws Exception {
    Path file = folder.resolve("model.gguf");
    Path again = folder.resolve("again");
    try (ModelFolder model = ModelFolder.open(checkpoint(name))) {
      GgufExport.write(model, weights, file);
      Gguf.importInto(file, again);
      try (ModelFolder read = ModelFolder.open(again)) {
        assertThat(read.config().features()).isEqualTo(model.config().features());
        assertThat(read.config().attention()).isEqualTo(model.config().attention());
        List<Message> messages = List.of(Message.user("Is 12 > 7?\nyes"));
        assertThat(read.encoder().prompt(messages)).isEqualTo(model.encoder().prompt(messages));
        double[] expected = new ReferenceDecoder(model).logits(IDS)[IDS.length - 1];
        double[] found = new ReferenceDecoder(read).logits(IDS)[IDS.length - 1];
        double size =
            Math.sqrt(IntStream.range(0, found.length).mapToDouble(i -> sq(expected[i])).sum());
        double off =
            Math.sqrt(
                IntStream.range(0, found.length)
                    .mapToDouble(i -> sq(found[i] - expected[i]))
                    .sum());
        assertThat(off / size).isLessThan(tolerance).isPositive();
      }
    }
  }

  private static double sq(double x) {
    return x * x;
  }

  /** A model that llama.cpp would run as another one is not written. */
  @ParameterizedTest
  @CsvSource({
    "mistral, sliding windows of a mistral",
    "qwen2_window, sliding windows of a qwen2",
    "smollm3, layers without RoPE other than every fourth",
    "gemma3_text, sliding windows in another pattern"
  })
  void whatLlamaCppDoesNotRunIsRefused(String name, String reason) throws Exception {
    try (ModelFolder model = ModelFolder.open(checkpoint(name))) {
      assertThatThrownBy(
              () -> GgufExport.write(model, GgufExport.Weights.F16, folder.resolve("m.gguf")))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining(reason);
      assertThat(folder.resolve("m.gguf")).doesNotExist();
    }
  }

  @Test
  void unknownPreTokenizersAndExistingFilesAreRefused() throws Exception {
    Path file = folder.resolve("m.gguf");
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve("m"), "qwen3"))) {
      assertThatThrownBy(() -> GgufExport.write(model, GgufExport.Weights.F16, file))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("this pre_tokenizer ([ByteLevel])");
      Files.writeString(file, "mine");
      assertThatThrownBy(() -> GgufExport.write(model, GgufExport.Weights.F16, file))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("exists already");
      assertThat(file).hasContent("mine");
    }
  }

  @Property
  void float16RoundsToTheNearest(@ForAll short bits, @ForAll float value) {
    float exact = Float16.fromFloat16(bits);
    if (!Float.isNaN(exact)) {
      assertThat(Float16.toFloat16(exact)).isEqualTo(bits);
    }
    float rounded = Float16.fromFloat16(Float16.toFloat16(value));
    if (Math.abs(value) < 65520) {
      assertThat((double) rounded)
          .isCloseTo(value, within(Math.max(0x1p-25, Math.abs(value) * 0x1p-11)));
    } else {
      assertThat(rounded).isInfinite();
    }
    float brain = Float16.fromBfloat16(Float16.toBfloat16(value));
    if (Math.abs(value) < 0x1.ffp127) {
      assertThat(Math.abs((double) brain - value))
          .isLessThanOrEqualTo(Math.max(0x1p-134, Math.abs(value) * 0x1p-8));
    }
  }
}
