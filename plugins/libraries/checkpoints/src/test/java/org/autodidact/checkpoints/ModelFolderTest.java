package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.files.BoundedFilesTest;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders as people have them: read as transformers 5 reads them, or refused in one line. */
@Timeout(120)
class ModelFolderTest {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void write() {
    model = TinyModel.write(folder.resolve("m"), 1);
  }

  private void change(String file, Consumer<ObjectNode> change) throws Exception {
    ObjectNode json = JsonFiles.read(model.resolve(file));
    change.accept(json);
    Files.write(model.resolve(file), JsonFiles.bytes(json));
  }

  private String refused() {
    Exception e =
        org.assertj.core.api.Assertions.catchException(() -> ModelFolder.open(model).close());
    assertThat(e).isInstanceOfAny(InvalidInputException.class, UnsupportedModelException.class);
    assertThat(e.getMessage()).hasLineCount(1).hasSizeLessThan(500).contains(model.toString());
    return e.getMessage();
  }

  private static WeightSource source(float[] values, List<Long> shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new WeightSource(shape, bytes::duplicate);
  }

  /** The model's tensors, changed. */
  private Map<String, WeightSource> tensors(UnaryOperator<Float> number) {
    Map<String, WeightSource> all = new LinkedHashMap<>();
    try (ModelFolder opened = ModelFolder.open(model)) {
      for (TensorInfo tensor : opened.tensors().values()) {
        float[] values = opened.floats(tensor);
        for (int i = 0; i < values.length; i++) {
          values[i] = number.apply(values[i]);
        }
        all.put(tensor.name(), source(values, tensor.shape()));
      }
    }
    return all;
  }

  private void writeTensors(String file, Map<String, WeightSource> tensors) throws Exception {
    Files.deleteIfExists(model.resolve(file));
    Safetensors.write(model.resolve(file), tensors);
  }

  private void writeIndex(Map<String, String> places) throws Exception {
    ObjectNode index = JsonFiles.MAPPER.createObjectNode();
    ObjectNode map = index.putObject("weight_map");
    places.forEach(map::put);
    Files.write(model.resolve("model.safetensors.index.json"), JsonFiles.bytes(index));
  }

  /** Into a.safetensors and b.safetensors, by turns, with an index. */
  private void shard(Map<String, WeightSource> tensors) throws Exception {
    Map<String, String> places = new LinkedHashMap<>();
    List<Map<String, WeightSource>> shards = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());
    tensors.forEach(
        (name, source) -> {
          int shard = places.size() % 2;
          shards.get(shard).put(name, source);
          places.put(name, shard == 0 ? "a.safetensors" : "b.safetensors");
        });
    writeTensors("a.safetensors", shards.get(0));
    writeTensors("b.safetensors", shards.get(1));
    writeIndex(places);
  }

  @Test
  void theWholeFileIsReadBeforeAnIndex() throws Exception {
    float[] expected;
    try (ModelFolder opened = ModelFolder.open(model)) {
      expected = opened.floats(opened.tensor(EMBEDDING));
    }
    shard(tensors(x -> 2 * x));
    List<String> said =
        LogLines.of(
            Warnings.class,
            () -> {
              try (ModelFolder opened = ModelFolder.open(model)) {
                assertThat(opened.floats(opened.tensor(EMBEDDING))).isEqualTo(expected);
              }
              ModelFolder.open(model).close();
            });
    assertThat(said).hasSize(1);
    assertThat(said.get(0)).contains(model + ": the weights are read from model.safetensors");
    Files.delete(model.resolve("model.safetensors"));
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.floats(opened.tensor(EMBEDDING))[0]).isEqualTo(2 * expected[0]);
    }
  }

  @Test
  void anIndexOfTheWholeFileIsNothingToSpeakOf() throws Exception {
    writeIndex(Map.of(EMBEDDING, "model.safetensors"));
    assertThat(LogLines.of(Warnings.class, () -> ModelFolder.open(model).close())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "..", "/", "../m/model.safetensors", "a\\u0000b", "x/y", "x\\\\y", " "})
  void anIndexNamesFilesOfItsFolderOnly(String shard) throws Exception {
    Files.delete(model.resolve("model.safetensors"));
    Files.writeString(
        model.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"" + EMBEDDING + "\": \"" + shard + "\"}}");
    assertThat(refused()).contains("must be one in the same folder");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"weight_map\": {}}", "{\"weight_map\": []}", "[]", "{", ""})
  void anIndexWithoutFilesIsRefused(String index) throws Exception {
    Files.delete(model.resolve("model.safetensors"));
    Files.writeString(model.resolve("model.safetensors.index.json"), index);
    assertThat(refused()).contains("model.safetensors.index.json");
  }

  @Test
  void indexAndShardsAgree() throws Exception {
    Map<String, WeightSource> tensors = tensors(x -> x);
    Files.delete(model.resolve("model.safetensors"));
    shard(tensors);
    ModelFolder.open(model).close();
    Map<String, WeightSource> one = Map.of(EMBEDDING, tensors.get(EMBEDDING));
    writeTensors("b.safetensors", one);
    assertThat(refused()).contains("'" + EMBEDDING + "' is in two files, a.safetensors and b");
    writeTensors("b.safetensors", Map.of("other", tensors.get(EMBEDDING)));
    assertThat(refused()).contains("in b.safetensors, found it nowhere");
    Files.delete(model.resolve("b.safetensors"));
    assertThat(refused()).contains("b.safetensors: missing");
  }

  @Test
  void aHeadOfItsOwnIsKeptThoughTheFlagTiesIt() throws Exception {
    Map<String, WeightSource> tensors = tensors(x -> x);
    float[] head = new float[259 * 32];
    head[5] = 3;
    tensors.put(HEAD, source(head, tensors.get(EMBEDDING).shape()));
    writeTensors("model.safetensors", tensors);
    List<String> said =
        LogLines.of(
            Warnings.class,
            () -> {
              try (ModelFolder opened = ModelFolder.open(model)) {
                assertThat(opened.config().tiedEmbeddings()).isFalse();
                assertThat(opened.floats(opened.tensor(HEAD))).isEqualTo(head);
                opened.writeWithWeights(folder.resolve("copy"), tensors, Map.of());
              }
            });
    assertThat(said).hasSize(1);
    assertThat(said.get(0)).contains("\"tie_word_embeddings\": false");
    assertThat(JsonFiles.read(folder.resolve("copy/config.json")).path("tie_word_embeddings"))
        .hasToString("false");
    assertThat(LogLines.of(Warnings.class, () -> ModelFolder.open(folder.resolve("copy")).close()))
        .isEmpty();
  }

  @Test
  void anEqualHeadIsTied() throws Exception {
    Map<String, WeightSource> tensors = tensors(x -> x);
    tensors.put(HEAD, tensors.get(EMBEDDING));
    writeTensors("model.safetensors", tensors);
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.config().tiedEmbeddings()).isTrue();
      opened.writeWithWeights(folder.resolve("copy"), tensors(x -> x), Map.of());
    }
    assertThat(JsonFiles.read(folder.resolve("copy/config.json")).path("tie_word_embeddings"))
        .hasToString("true");
    tensors.remove(EMBEDDING);
    writeTensors("model.safetensors", tensors);
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.config().tiedEmbeddings()).isTrue();
      assertThat(opened.tensor(EMBEDDING).shape()).containsExactly(259L, 32L);
    }
  }

  @Test
  void anUntiedModelNeedsItsHead() throws Exception {
    change("config.json", json -> json.put("tie_word_embeddings", false));
    assertThat(refused()).contains("'lm_head.weight' is missing");
  }

  @Test
  void buffersOfOtherTypesArePassedByAndWeightsOfThemNamed() throws Exception {
    byte[] whole = Files.readAllBytes(model.resolve("model.safetensors"));
    int length = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(whole, 8, length, StandardCharsets.UTF_8).strip();
    String more =
        ",\"model.position_ids\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[0,0]},"
            + "\"inv_freq\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[0,0]}}";
    rewrite(whole, length, header.substring(0, header.length() - 1) + more);
    ModelFolder.open(model).close();
    rewrite(whole, length, header.replaceFirst("\"F32\"", "\"F8_E4M3\""));
    assertThat(refused()).contains("element type F8_E4M3 is not supported");
  }

  private void rewrite(byte[] whole, int length, String header) throws Exception {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(whole.length - length + json.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).put(whole, 8 + length, whole.length - 8 - length);
    Files.write(model.resolve("model.safetensors"), bytes.array());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "num_hidden_layers | 2147483647 | num_hidden_layers",
        "num_hidden_layers | 10000000 | num_hidden_layers",
        "num_hidden_layers | 3 | model.layers.2.input_layernorm.weight",
        "head_dim | 1073741824 | q_proj.weight",
        "vocab_size | 2147483647 | embed_tokens.weight",
        "vocab_size | 258 | embed_tokens.weight",
        "intermediate_size | 2147483647 | gate_proj.weight",
        "hidden_size | 4294967296 | hidden_size",
        "rms_norm_eps | \"abc\" | rms_norm_eps",
        "rms_norm_eps | 0 | rms_norm_eps",
        "rms_norm_eps | -1e-5 | rms_norm_eps",
        "rms_norm_eps | NaN | not JSON",
        "rms_norm_eps | 1e999 | rms_norm_eps",
        "rope_theta | 1e308 | rope_theta",
        "rope_theta | 0 | rope_theta",
        "rope_theta | \"x\" | rope_theta",
        "rope_scaling | {\"rope_type\": \"linear\", \"factor\": 1e300} | factor",
        "eos_token_id | 99999 | eos_token_id",
        "eos_token_id | -5 | eos_token_id",
        "eos_token_id | 2147483648 | eos_token_id",
        "eos_token_id | [2, -1] | eos_token_id",
        "eos_token_id | 2.5 | eos_token_id",
        "eos_token_id | [] | eos_token_id",
        "tie_word_embeddings | \"yes\" | tie_word_embeddings",
        "attention_bias | 1 | attention_bias",
        "num_experts | \"8\" | num_experts",
      })
  void nonsenseInTheConfigurationIsNamed(String key, String value, String named) throws Exception {
    Path config = model.resolve("config.json");
    String text = Files.readString(config);
    String member = "\"" + key + "\":";
    String changed =
        text.contains(member)
            ? text.replaceFirst(member + "[^,}]*", member + value.replace("\\", "\\\\"))
            : text.replaceFirst("\\{", "{" + member + value + ",");
    Files.writeString(config, changed);
    assertThat(refused()).contains(named);
  }

  @Test
  void endsBeyondTheVocabularyAreLeftOutWhereOthersRemain() throws Exception {
    change("config.json", json -> json.putArray("eos_token_id").add(2).add(99999).add(1L << 40));
    List<String> said =
        LogLines.of(
            Warnings.class,
            () -> {
              try (ModelFolder opened = ModelFolder.open(model)) {
                assertThat(opened.config().endOfTextIds()).containsExactly(2);
              }
            });
    assertThat(said).hasSize(1);
    assertThat(said.get(0)).contains("[99999, 1099511627776]");
  }

  @Test
  void aContextWithoutEndIsBounded() throws Exception {
    change("config.json", json -> json.put("max_position_embeddings", Integer.MAX_VALUE));
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.config().contextLength()).isEqualTo(1 << 20);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
        "model.safetensors.index.json"
      })
  void onlyRegularFilesAreRead(String name) throws Exception {
    if (name.endsWith("index.json")) {
      Files.delete(model.resolve("model.safetensors"));
    }
    Path file = model.resolve(name);
    Files.deleteIfExists(file);
    BoundedFilesTest.pipe(file);
    assertThat(refused()).contains(name).contains("regular file");
    Files.delete(file);
    Files.createSymbolicLink(file, Path.of("/dev/zero"));
    assertThat(refused()).contains("regular file");
    Files.delete(file);
    Files.createDirectory(file);
    assertThat(refused()).contains("found a folder");
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "tokenizer.json", "tokenizer_config.json"})
  void textsInOtherEncodingsAreNamed(String name) throws Exception {
    Files.write(
        model.resolve(name), "{\n \"a\": \"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(refused()).contains(name).contains("UTF-8").contains("line 2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "tokenizer.json", "tokenizer_config.json"})
  void deepNestingIsNamed(String name) throws Exception {
    Files.writeString(model.resolve(name), "{\"a\":" + "[".repeat(100_000));
    assertThat(refused()).contains(name).contains("not JSON");
  }

  @Test
  void tooLargeFilesAreNotRead() throws Exception {
    try (java.io.RandomAccessFile file =
        new java.io.RandomAccessFile(model.resolve("config.json").toFile(), "rw")) {
      file.setLength(1L << 40);
    }
    assertThat(refused()).contains("config.json").contains("at most 67108864 bytes");
  }

  @Test
  void aTokenizerOfAnotherModelIsNamed() throws Exception {
    change("tokenizer.json", json -> vocabulary(json).put("more", 259));
    assertThat(refused())
        .contains("token ids up to 259, the embedding has 259 rows")
        .contains("do not belong together");
  }

  /** Gemma 3's tokenizer names a token for pictures, which its text models have no row for. */
  @Test
  void addedTokensMayHaveNoRow() throws Exception {
    change(
        "tokenizer.json",
        json ->
            json.withArray("added_tokens")
                .addObject()
                .put("id", 259)
                .put("content", "<image>")
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true));
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.encoder().size()).isEqualTo(260);
      assertThat(opened.encoder().text("<image>")).hasSize(7);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {4294967295L, -1, 1L << 40})
  void anIdThatIsNoneIsNamed(long id) throws Exception {
    change("tokenizer.json", json -> vocabulary(json).put("more", id));
    assertThat(refused()).contains("'more' must have an id").contains(Long.toString(id));
  }

  private static ObjectNode vocabulary(ObjectNode tokenizer) {
    return (ObjectNode) tokenizer.path("model").path("vocab");
  }

  @Test
  void aTextThatTheTokenizerCannotTakeIsOneLine() throws Exception {
    Files.writeString(
        model.resolve("tokenizer.json"),
        "{\"version\":\"1.0\",\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},"
            + "\"unk_token\":\"[UNK]\"}}");
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.encoder().text("a")).containsExactly(0);
      Exception e =
          org.assertj.core.api.Assertions.catchException(
              () -> opened.encoder().prompt(List.of(Message.user("b"))));
      assertThat(e)
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("tokenizer.json: the tokenizer cannot take a text")
          .hasMessageContaining("[UNK]");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"normalizer", "decoder"})
  void aTokenizerThatMakesTextsWithoutEndIsRefused(String part) throws Exception {
    change(
        "tokenizer.json",
        json -> {
          ObjectNode sequence = json.putObject(part).put("type", "Sequence");
          for (int i = 0; i < 24; i++) {
            ObjectNode replace = sequence.withArray(part + "s").addObject().put("type", "Replace");
            replace.putObject("pattern").put("String", "x");
            replace.put("content", "xx");
          }
        });
    assertThat(refused()).contains("16777216 times as long");
  }

  @Test
  void ordinaryReplacementsAreTaken() throws Exception {
    change(
        "tokenizer.json",
        json -> {
          ObjectNode replace = json.putObject("normalizer").put("type", "Replace");
          replace.putObject("pattern").put("Regex", "\\s+");
          replace.put("content", " ");
        });
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.encoder().decode(opened.encoder().text("a \n b"))).isEqualTo("a b");
    }
  }

  @Test
  void aHeaderOfManyTensorsIsRefusedAtOnce() throws Exception {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < 1_200_000; i++) {
      header.append(i == 0 ? "" : ",").append("\"t").append(i);
      header.append("\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    List<byte[]> parts = new ArrayList<>();
    parts.add(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
    parts.add(json);
    try (java.io.OutputStream out = Files.newOutputStream(model.resolve("model.safetensors"))) {
      for (byte[] part : parts) {
        out.write(part);
      }
    }
    assertThat(refused()).contains("at most 200000 tensors");
  }

  @Test
  void errorsOfReadersAreFailures() {
    assertThat(
            org.assertj.core.api.Assertions.catchException(
                () -> BoundedFiles.guarded("x.json", ModelFolderTest::endless)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("x.json: cannot be read: it is nested too deep");
    assertThat(
            org.assertj.core.api.Assertions.catchException(
                () ->
                    BoundedFiles.guarded(
                        "x.json",
                        () -> {
                          throw new OutOfMemoryError();
                        })))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("-Xmx");
  }

  private static int endless() {
    return 1 + endless();
  }
}
