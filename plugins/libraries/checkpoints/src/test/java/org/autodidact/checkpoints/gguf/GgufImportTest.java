package org.autodidact.checkpoints.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.LogLines;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.BoundedFilesTest;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.tokenizer.SpecialTokens;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What llama.cpp reads is read alike; what cannot be is refused by name, and nothing is left. */
class GgufImportTest {
  private static final String SHARED = System.getProperty("autodidact.shared", "");

  @TempDir Path folder;

  private Path file(Consumer<TinyGguf> change) throws Exception {
    TinyGguf gguf = new TinyGguf();
    change.accept(gguf);
    return gguf.write(folder.resolve("m.gguf"));
  }

  private ModelFolder imported(Path gguf) {
    Path out = folder.resolve("out");
    Gguf.importInto(gguf, out);
    return ModelFolder.open(out);
  }

  private Exception refused(Path gguf) {
    Path out = folder.resolve("refused");
    Exception e = org.assertj.core.api.Assertions.catchException(() -> Gguf.importInto(gguf, out));
    assertThat(e).isInstanceOfAny(InvalidInputException.class, UnsupportedModelException.class);
    assertThat(e.getMessage()).hasLineCount(1).hasSizeLessThan(600);
    assertThat(out).doesNotExist();
    return e;
  }

  /** A model in three files, its head in the last of them. */
  private List<Path> split() throws Exception {
    List<Path> parts = new ArrayList<>();
    TinyGguf all = new TinyGguf();
    all.tensors.put("output.weight", all.tensors.get("token_embd.weight"));
    List<String> names = List.copyOf(all.tensors.keySet());
    for (int i = 0; i < 3; i++) {
      TinyGguf part = new TinyGguf();
      if (i > 0) {
        part.metadata.clear();
      }
      part.metadata.putAll(
          Map.of("split.no", i, "split.count", 3, "split.tensors.count", names.size()));
      part.tensors.clear();
      for (String name : names.subList(names.size() * i / 3, names.size() * (i + 1) / 3)) {
        part.tensors.put(name, all.tensors.get(name));
      }
      parts.add(part.write(folder.resolve("m-0000" + (i + 1) + "-of-00003.gguf")));
    }
    return parts;
  }

  @Test
  void aSplitModelIsReadWhole() throws Exception {
    List<Path> parts = split();
    TinyGguf all = new TinyGguf();
    all.tensors.put("output.weight", all.tensors.get("token_embd.weight"));
    Path whole = folder.resolve("whole");
    Gguf.importInto(all.write(folder.resolve("m.gguf")), whole);
    assertThat(Gguf.parts(parts.get(0))).isEqualTo(parts);
    assertThat(Gguf.parts(folder.resolve("m.gguf"))).containsExactly(folder.resolve("m.gguf"));
    try (ModelFolder model = imported(parts.get(0));
        ModelFolder expected = ModelFolder.open(whole)) {
      assertThat(model.config()).isEqualTo(expected.config());
      assertThat(model.config().tiedEmbeddings()).isFalse();
      assertThat(model.tensors().keySet()).isEqualTo(expected.tensors().keySet());
      model
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(model.floats(tensor))
                      .as(name)
                      .isEqualTo(expected.floats(expected.tensor(name))));
    }
  }

  @Test
  void aMissingOrWrongPartIsNamed() throws Exception {
    List<Path> parts = split();
    assertThat(refused(parts.get(1)))
        .hasMessageContaining("m-00002-of-00003.gguf: expected the first of the model's 3 files")
        .hasMessageContaining("name " + parts.get(0));
    Files.copy(parts.get(0), folder.resolve("other.gguf"));
    assertThat(refused(folder.resolve("other.gguf")))
        .hasMessageContaining("other.gguf")
        .hasMessageContaining("NAME-00001-of-00003.gguf");
    Path third = folder.resolve("third");
    Files.move(parts.get(2), third);
    assertThat(refused(parts.get(0)))
        .hasMessageContaining(parts.get(2) + ": missing; the model is in 3 files");
    Files.copy(parts.get(1), parts.get(2));
    assertThat(refused(parts.get(0)))
        .hasMessageContaining("m-00003-of-00003.gguf: expected part 3 of 3, found part 2 of 3");
    TinyGguf short3 = new TinyGguf();
    short3.metadata.clear();
    short3.metadata.putAll(Map.of("split.no", 2, "split.count", 3));
    short3.tensors.clear();
    short3.write(parts.get(2));
    assertThat(refused(parts.get(0))).hasMessageContaining("expected 21 tensors in all parts");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "token_embd.weight",
        "output_norm.weight",
        "blk.0.attn_norm.weight",
        "blk.1.ffn_down.weight",
        "blk.1.attn_k.weight"
      })
  void aMissingTensorIsNamedBeforeAnythingIsWritten(String name) throws Exception {
    Path file = file(gguf -> gguf.tensors.remove(name));
    assertThat(refused(file)).hasMessageContaining("'" + name + "'");
  }

  @Test
  void tensorsAreHeldAgainstTheMetadata() throws Exception {
    assertThat(refused(file(g -> g.tensors.put("blk.0.ffn_up.weight", List.of(40, 32)))))
        .hasMessageContaining("'blk.0.ffn_up.weight' to have the shape [48, 32]")
        .hasMessageContaining("found [40, 32]");
    assertThat(refused(file(g -> g.metadata.put("llama.block_count", 3))))
        .hasMessageContaining("'blk.2.attn_norm.weight'");
    assertThat(refused(file(g -> g.metadata.put("llama.block_count", 1))))
        .hasMessageContaining("'blk.1.attn_norm.weight' does not belong");
    assertThat(refused(file(g -> g.metadata.put("llama.block_count", Integer.MAX_VALUE))))
        .hasMessageContaining("num_hidden_layers");
    assertThat(refused(file(g -> g.metadata.put("llama.attention.head_count", 4))))
        .hasMessageContaining("blk.0.attn_k.weight");
    assertThat(refused(file(g -> g.tensors.put("blk.0.attn_q.scale", List.of(1)))))
        .hasMessageContaining("'blk.0.attn_q.scale' does not belong");
    assertThat(refused(file(g -> g.tensors.put("token_embd.weight", List.of(300, 32)))))
        .hasMessageContaining("a token for each of the embedding's 300 rows");
  }

  /** One a layer, as newer converters write them. */
  @Test
  void aListOfOneNumberIsThatNumber() throws Exception {
    Path file =
        file(
            gguf -> {
              gguf.metadata.put("llama.attention.head_count", List.of(2, 2));
              gguf.metadata.put("llama.attention.head_count_kv", List.of(1, 1));
              gguf.metadata.put("llama.feed_forward_length", List.of(48, 48));
            });
    Path plain = folder.resolve("plain");
    Gguf.importInto(new TinyGguf().write(folder.resolve("plain.gguf")), plain);
    try (ModelFolder model = imported(file);
        ModelFolder expected = ModelFolder.open(plain)) {
      assertThat(model.config()).isEqualTo(expected.config());
      TensorInfo keys = model.tensor("model.layers.1.self_attn.k_proj.weight");
      assertThat(model.floats(keys)).isEqualTo(expected.floats(expected.tensor(keys.name())));
    }
    assertThat(refused(file(g -> g.metadata.put("llama.attention.head_count_kv", List.of(1, 2)))))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("'llama.attention.head_count_kv' [1, 2] is not supported");
    assertThat(refused(file(g -> g.metadata.put("llama.feed_forward_length", List.of(48)))))
        .hasMessageContaining("for each of 2 layers");
  }

  @ParameterizedTest
  @CsvSource({
    "expert_count, 8",
    "logit_scale, 0.5f",
    "residual_scale, 0.22f",
    "embedding_scale, 12f",
    "attention.scale, 0.3f",
    "attention.causal, false",
    "attention.value_length, 8",
    "attention.clamp_kqv, 8f",
    "attention.sliding_window, 16",
    "attn_logit_softcapping, 50f",
    "final_logit_softcapping, 30f",
    "pooling_type, 1",
    "rope.dimension_count, 8",
    "rope.scaling.type, yarn",
    "rope.scaling.attn_factor, 1.5f",
    "use_parallel_residual, true",
  })
  void aKeyThatChangesTheModelIsRefusedByName(String key, String value) throws Exception {
    assertThat(refused(file(g -> g.metadata.put("llama." + key, parsed(value)))))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("'llama." + key + "'")
        .hasMessageContaining("is not supported");
  }

  private static Object parsed(String value) {
    if (value.endsWith("f")) {
      return Float.parseFloat(value);
    }
    if (value.equals("true") || value.equals("false")) {
      return Boolean.parseBoolean(value);
    }
    return value.chars().allMatch(Character::isDigit) ? (Object) Integer.parseInt(value) : value;
  }

  @Test
  void aKeyThatChangesNothingIsPassedBy() throws Exception {
    Path file =
        file(
            gguf -> {
              gguf.metadata.put("llama.expert_count", 0);
              gguf.metadata.put("llama.logit_scale", 1f);
              gguf.metadata.put("llama.attention.causal", true);
              gguf.metadata.put("llama.attention.sliding_window", 64);
              gguf.metadata.put("llama.rope.dimension_count", 16);
              gguf.metadata.put("llama.rope.scaling.type", "none");
              gguf.metadata.put("llama.rope.scaling.factor", 4f);
            });
    try (ModelFolder model = imported(file)) {
      assertThat(model.config().attention().get(0).rope().scaling()).isEmpty();
    }
  }

  /** llama.cpp's type is linear where a factor alone is given, by its newer name or its older. */
  @ParameterizedTest
  @ValueSource(strings = {"rope.scaling.factor", "rope.scale_linear"})
  void aFactorAloneScalesLinearly(String key) throws Exception {
    try (ModelFolder model = imported(file(g -> g.metadata.put("llama." + key, 4f)))) {
      ModelConfig.RopeScaling scaling =
          model.config().attention().get(0).rope().scaling().orElseThrow();
      assertThat(scaling.type()).isEqualTo("linear");
      assertThat(scaling.factor()).isEqualTo(4);
    }
  }

  @Test
  void aFileThatDoesNotSayHowTextsAreCutIsSaidAndCutAsLlamaCppDoes() throws Exception {
    Path file = file(g -> g.metadata.remove("tokenizer.ggml.pre"));
    List<String> said = LogLines.of(Warnings.class, () -> imported(file).close());
    assertThat(said).hasSize(1);
    assertThat(said.get(0))
        .contains("m.gguf")
        .contains("'tokenizer.ggml.pre'")
        .contains("answers worse");
    try (ModelFolder model = ModelFolder.open(folder.resolve("out"))) {
      assertThat(model.encoder().text("12345")).containsExactly(261, 55, 56);
      assertThat(model.encoder().text("1234 a.")).hasSize(5).startsWith(261, 55);
    }
  }

  @Test
  void withoutABeginningThereIsNone() throws Exception {
    try (ModelFolder model =
        imported(file(g -> g.metadata.remove("tokenizer.ggml.bos_token_id")))) {
      assertThat(SpecialTokens.read(model.path()))
          .containsOnly(Map.entry("eos_token", "<|im_end|>"));
      assertThat(JsonFiles.read(model.path().resolve("config.json")).has("bos_token_id")).isFalse();
    }
  }

  @Test
  void withoutTypesTheEndsAreControlTokensByTheirNames() throws Exception {
    Path file = file(g -> g.metadata.remove("tokenizer.ggml.token_type"));
    List<String> said = LogLines.of(Warnings.class, () -> imported(file).close());
    assertThat(said).hasSize(1);
    assertThat(said.get(0)).contains("[<|endoftext|>, <|im_end|>]");
    try (ModelFolder model = ModelFolder.open(folder.resolve("out"))) {
      assertThat(model.config().endOfTextIds()).containsExactly(2);
      assertThat(model.encoder().decode(new int[] {2})).isEmpty();
      assertThat(model.encoder().decode(new int[] {1})).isEqualTo("<|im_start|>");
    }
  }

  @Test
  void endsAreFoundByNameWhereNoneIsGiven() throws Exception {
    try (ModelFolder model =
        imported(file(g -> g.metadata.remove("tokenizer.ggml.eos_token_id")))) {
      assertThat(model.config().endOfTextIds()).containsExactly(0, 2);
    }
    Path none =
        file(
            g -> {
              g.metadata.remove("tokenizer.ggml.eos_token_id");
              renamed(g, 0, "<a>");
              renamed(g, 2, "<b>");
            });
    assertThat(refused(none)).hasMessageContaining("tokenizer.ggml.eos_token_id");
  }

  private static void renamed(TinyGguf gguf, int id, Object token) {
    List<Object> tokens = new ArrayList<>((List<?>) gguf.metadata.get("tokenizer.ggml.tokens"));
    tokens.set(id, token);
    gguf.metadata.put("tokenizer.ggml.tokens", tokens);
  }

  @Test
  void tokensThatAreOneAreRefused() throws Exception {
    assertThat(refused(file(g -> renamed(g, 1, "<|im_end|>"))))
        .hasMessageContaining("'<|im_end|>' with the ids 1 and 2");
    assertThat(refused(file(g -> g.metadata.put("tokenizer.ggml.eos_token_id", 99999))))
        .hasMessageContaining("eos_token_id");
  }

  @Test
  @Timeout(60)
  void onlyRegularFilesAreRead() throws Exception {
    assertThat(refused(BoundedFilesTest.pipe(folder.resolve("pipe.gguf"))))
        .hasMessageContaining("expected a GGUF file in a regular file");
    assertThat(refused(folder)).hasMessageContaining("found a folder");
    assertThat(refused(folder.resolve("none.gguf"))).hasMessageContaining("missing");
  }

  /** The files of public reports; without them this says that it was skipped. */
  @Test
  void theFilesOfReportsAreReadOrRefused() {
    Path cases = Path.of(SHARED, "cases", "gguf");
    org.junit.jupiter.api.Assumptions.assumeTrue(
        !SHARED.isEmpty() && Files.isDirectory(cases), "no autodidact.shared");
    assertThat(refused(cases.resolve("split_untied.gguf"))).hasMessageContaining("in 2 files");
    for (String name : List.of("kvarray", "nobos", "notypes", "nopre_llama", "eos_text_eot")) {
      Path out = folder.resolve(name);
      Gguf.importInto(cases.resolve(name + ".gguf"), out);
      try (ModelFolder model = ModelFolder.open(out)) {
        assertThat(model.config().keyValueHeads()).as(name).isEqualTo(2);
        assertThat(model.config().endOfTextIds()).as(name).contains(2);
        if (name.equals("nopre_llama")) {
          assertThat(model.encoder().text("12345")).containsExactly(261, 55, 56);
        }
      }
    }
    assertThatThrownBy(() -> Gguf.parts(cases.resolve("split_untied.gguf")))
        .isInstanceOf(InvalidInputException.class);
    assertThat(Arrays.asList(folder.toFile().list())).doesNotContain("refused");
  }
}
