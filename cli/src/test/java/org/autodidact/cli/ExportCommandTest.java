package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.checkpoints.ModelFolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExportCommandTest extends CommandLineTest {
  /** Types in the case that help and documents write. */
  @ParameterizedTest
  @ValueSource(strings = {"f32", "f16", "bf16", "q8_0", "Q8_0"})
  void aModelsFolderBecomesGgufAndBack(String type) throws Exception {
    Path tokenizer = model.resolve("tokenizer.json");
    String json = Files.readString(tokenizer);
    // A pre-tokenizer that llama.cpp knows.
    Files.writeString(tokenizer, json.replaceAll("\"use_regex\" ?: ?false", "\"use_regex\":true"));
    Path file = folder.resolve("tiny.gguf");
    assertThat(autodidact("export", model, file, "--gguf", type)).as(err).isZero();
    assertThat(out).contains("is in " + file);
    Path back = folder.resolve("back");
    assertThat(autodidact("import", file, back)).as(err).isZero();
    try (ModelFolder before = ModelFolder.open(model);
        ModelFolder after = ModelFolder.open(back)) {
      assertThat(after.config().layers()).isEqualTo(before.config().layers());
      assertThat(after.encoder().text("a text")).isEqualTo(before.encoder().text("a text"));
    }
  }

  @Test
  void whatIsWrongIsSaid() {
    Path file = folder.resolve("tiny.gguf");
    assertRefused(
        3,
        "--gguf: expected f32, f16, bf16 or q8_0, found 'q4_0'",
        "export",
        model,
        file,
        "--gguf",
        "q4_0");
    assertRefused(3, "which needs --gguf", "export", model, file);
    assertRefused(3, "exists already", "export", model, model, "--gguf", "f16");
    assertRefused(3, "no-model", "export", folder.resolve("no-model"), file, "--gguf", "f16");
    assertThat(file).doesNotExist();
  }
}
