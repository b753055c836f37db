package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.autodidact.api.UnsupportedModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What config.json leaves out has the defaults of transformers. */
class ConfigReaderTest {
  @TempDir Path folder;

  private ModelConfig read(String type, String more) throws Exception {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "%s", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 4,
         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 10, "eos_token_id": 2%s}
        """
            .formatted(type, more.isEmpty() ? "" : ", " + more));
    return ConfigReader.read(folder);
  }

  private static List<Integer> windows(ModelConfig config) {
    return config.attention().stream().map(a -> a.window().orElse(0)).toList();
  }

  @Test
  void qwenSlidesOnlyWhereItSaysSo() throws Exception {
    assertThat(windows(read("qwen2", "\"sliding_window\": 8"))).containsOnly(0);
    assertThat(
            windows(
                read(
                    "qwen3",
                    "\"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 2")))
        .containsExactly(0, 0, 8, 8);
    ModelConfig qwen2 = read("qwen2", "");
    assertThat(qwen2.attentionBias()).isTrue();
    assertThat(qwen2.outputBias()).isFalse();
    assertThat(qwen2.headSize()).isEqualTo(16);
    assertThat(read("qwen3", "").headSize()).isEqualTo(128);
  }

  @Test
  void mistralSlidesUnlessItSaysNull() throws Exception {
    assertThat(windows(read("mistral", ""))).containsOnly(4096);
    assertThat(windows(read("mistral", "\"sliding_window\": null"))).containsOnly(0);
    assertThat(windows(read("llama", "\"sliding_window\": 8"))).containsOnly(0);
  }

  /** As transformers 4 wrote it. */
  @Test
  void gemmaHasTwoRotaryBases() throws Exception {
    ModelConfig config =
        read(
            "gemma3_text",
            "\"sliding_window\": 8, \"sliding_window_pattern\": 3, \"rope_theta\": 5e5,"
                + "\"rope_local_base_freq\": 2e4, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}");
    assertThat(windows(config)).containsExactly(8, 8, 0, 8);
    ModelConfig.LayerAttention local = config.attention().get(0);
    ModelConfig.LayerAttention global = config.attention().get(2);
    assertThat(local.window()).isEqualTo(OptionalInt.of(8));
    assertThat(local.rope().theta()).isEqualTo(2e4);
    assertThat(local.rope().scaling()).isEmpty();
    assertThat(global.rope().theta()).isEqualTo(5e5);
    assertThat(global.rope().scaling().orElseThrow().factor()).isEqualTo(8);
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.embeddingScale()).isEqualTo(8);
    assertThat(config.attentionScale()).isEqualTo(1.0 / 16);
  }

  /** As Google's own folders with pictures have it: what is left out is not Llama's. */
  @Test
  void textOfGemmaWithPicturesIsRead() throws Exception {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "gemma3", "eos_token_id": [1, 106], "vision_config": {"hidden_size": 1152},
         "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
          "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
          "sliding_window": 1024}}
        """);
    ModelConfig config = ConfigReader.read(folder);
    assertThat(config.modelType()).isEqualTo("gemma3_text");
    assertThat(List.of(config.heads(), config.keyValueHeads(), config.headSize()))
        .containsExactly(8, 4, 256);
    assertThat(config.vocabularySize()).isEqualTo(262_208);
    assertThat(config.contextLength()).isEqualTo(131_072);
    assertThat(config.endOfTextIds()).containsExactly(1, 106);
    assertThat(config.attention().get(5).window()).isEmpty();
    assertThat(config.attention().get(5).rope().theta()).isEqualTo(1e6);
    assertThat(config.attention().get(6).window()).hasValue(1024);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gemma3_text | attn_logit_softcapping | 50.0",
        "gemma3_text | final_logit_softcapping | 30.0",
        "gemma3_text | use_bidirectional_attention | true",
        "gemma3_text | hidden_activation | \"relu\"",
        "mistral | num_local_experts | 8",
        "qwen3 | num_experts | 128",
        "qwen3 | layer_types | [\"linear_attention\", \"\", \"\", \"\"]",
        "llama | partial_rotary_factor | 0.5",
        "llama | hidden_act | \"gelu\"",
      })
  void whatIsNotComputedIsRefusedByItsKey(String type, String key, String value) {
    assertThatThrownBy(() -> read(type, "\"" + key + "\": " + value))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("'" + key + "'")
        .hasMessageContaining("config.json");
  }

  @Test
  void unknownRotaryScalingsAreRefusedByTheirKey() {
    assertThatThrownBy(
            () -> read("qwen2", "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0}"))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("'rope_type' \"yarn\" is not supported");
  }
}
