package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoraMergeTest {
  private static final String MODULE = "model.layers.0.self_attn.q_proj";
  private static final int RANK = 2;

  @TempDir Path folder;
  private final Random random = new Random(7);
  private Path base;
  private int outputs;
  private int inputs;
  private float[] b;
  private float[] a;

  @BeforeEach
  void write() throws Exception {
    base = TinyModel.write(folder.resolve("base"), 1);
    try (ModelFolder model = ModelFolder.open(base)) {
      outputs = Math.toIntExact(model.tensor(MODULE + ".weight").shape().get(0));
      inputs = Math.toIntExact(model.tensor(MODULE + ".weight").shape().get(1));
    }
    b = floats(outputs * RANK);
    a = floats(RANK * inputs);
    adapter("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 6}", Map.of());
  }

  private float[] floats(int count) {
    float[] floats = new float[count];
    for (int i = 0; i < count; i++) {
      floats[i] = (float) random.nextGaussian();
    }
    return floats;
  }

  private static WeightSource source(float[] values, long rows) {
    return new WeightSource(
        List.of(rows, values.length / rows),
        () -> {
          ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
          bytes.asFloatBuffer().put(values);
          return bytes;
        });
  }

  private void adapter(String config, Map<String, WeightSource> more) throws Exception {
    Path adapter = Files.createDirectories(folder.resolve("adapter"));
    Files.writeString(adapter.resolve("adapter_config.json"), config);
    Map<String, WeightSource> tensors = new LinkedHashMap<>();
    tensors.put("base_model.model." + MODULE + ".lora_A.weight", source(a, RANK));
    tensors.put("base_model.model." + MODULE + ".lora_B.weight", source(b, outputs));
    tensors.putAll(more);
    Path file = adapter.resolve("adapter_model.safetensors");
    Files.deleteIfExists(file);
    Safetensors.write(file, tensors);
  }

  private void merge() {
    LoraMerge.write(base, folder.resolve("adapter"), folder.resolve("merged"));
  }

  /** W + (alpha / r) B A by hand; every other weight stays. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 6}|3",
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 6, \"use_rslora\": true}|4.242640687",
        "{\"peft_type\": \"LORA\", \"r\": 9, \"lora_alpha\": 1, \"alpha_pattern\": {\"q_proj\": 8}}|4",
      })
  void theWeightIsTheBasesAndTheScaledProduct(String config, double scale) throws Exception {
    adapter(config, Map.of());
    merge();
    try (ModelFolder before = ModelFolder.open(base);
        ModelFolder after = ModelFolder.open(folder.resolve("merged"))) {
      assertThat(after.tensors().keySet()).isEqualTo(before.tensors().keySet());
      for (String name : before.tensors().keySet()) {
        float[] was = before.floats(before.tensor(name));
        float[] is = after.floats(after.tensor(name));
        if (!name.equals(MODULE + ".weight")) {
          assertThat(is).as(name).isEqualTo(was);
          continue;
        }
        for (int o = 0; o < outputs; o++) {
          for (int i = 0; i < inputs; i++) {
            double product = b[o * 2] * (double) a[i] + b[o * 2 + 1] * (double) a[inputs + i];
            assertThat((double) is[o * inputs + i])
                .isCloseTo(was[o * inputs + i] + scale * product, within(1e-5));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"peft_type\": \"IA3\"}|peft_type IA3",
        "{\"peft_type\": \"LORA\", \"lora_alpha\": 6, \"use_dora\": true}|use_dora true",
        "{\"peft_type\": \"LORA\", \"lora_alpha\": 6, \"bias\": \"all\"}|bias all",
        "{\"peft_type\": \"LORA\", \"lora_alpha\": 6, \"modules_to_save\": [\"lm_head\"]}|modules_to_save",
      })
  void whatIsNoPlainLoraIsRefusedByName(String config, String named) throws Exception {
    adapter(config, Map.of());
    assertThatThrownBy(this::merge)
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining(named)
        .hasMessageContaining("merge_and_unload");
    assertThat(folder.resolve("merged")).doesNotExist();
  }

  @Test
  void anotherModelsAdapterIsRefused() throws Exception {
    String config = "{\"peft_type\": \"LORA\", \"lora_alpha\": 6}";
    adapter(
        config,
        Map.of("base_model.model.model.layers.99.self_attn.q_proj.lora_A.weight", source(a, RANK)));
    assertThatThrownBy(this::merge)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("layers.99");
    a = floats(RANK * (inputs + 1));
    adapter(config, Map.of());
    assertThatThrownBy(this::merge).hasMessageContaining("is it this model's adapter?");
    a = floats(RANK * inputs);
    adapter(config, Map.of("base_model.model.lm_head.other", source(a, RANK)));
    assertThatThrownBy(this::merge).hasMessageContaining("is no matrix of a LoRA adapter");
  }
}
