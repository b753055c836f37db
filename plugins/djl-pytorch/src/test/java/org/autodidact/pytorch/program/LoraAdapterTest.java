package org.autodidact.pytorch.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.pytorch.DjlTrainer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** LoRA adapters, and matrix products in bf16. */
class LoraAdapterTest {
  private static final int RANK = 4;

  @TempDir Path folder;
  private Path base;

  @BeforeEach
  void writeBase() {
    base = TinyModel.write(folder.resolve("base"), 3);
  }

  private static TrainingSettings settings(boolean merge, boolean quantized) {
    return TrainingSettings.dpo().toBuilder()
        .constantRate(1e-2)
        .batchSize(4)
        .epochs(5)
        .maxLength(256)
        .saveEvery(1)
        .lora(new TrainingSettings.Lora(RANK, 8, 0.1, TrainingSettings.Lora.ALL, merge, quantized))
        .build();
  }

  private TrainingResult train(
      String name, TrainingSettings settings, ComputeSettings.Precision precision) {
    List<TrainingExample> pairs =
        IntStream.range(0, 8)
            .<TrainingExample>mapToObj(
                i ->
                    new TrainingExample.Preference(
                        List.of(Message.user("question " + i)), "good " + i, "bad, very bad " + i))
            .toList();
    return new DjlTrainer(new ComputeSettings(precision, 2, 0))
        .train(
            new TrainingRequest(
                new Checkpoint("M0", base),
                pairs,
                List.of(),
                settings,
                7,
                new Checkpoint("M1", folder.resolve(name)),
                folder.resolve(name + ".state")),
            m -> {},
            new Cancellation());
  }

  /** A tensor of a safetensors file, read by hand. */
  private static float[] tensor(Path file, String name) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int header = Math.toIntExact(bytes.getLong());
    byte[] json = new byte[header];
    bytes.get(json);
    JsonNode at =
        new JsonMapper()
            .readTree(new String(json, StandardCharsets.UTF_8))
            .path(name)
            .path("data_offsets");
    float[] values = new float[(at.path(1).asInt() - at.path(0).asInt()) / Float.BYTES];
    bytes
        .position(8 + header + at.path(0).asInt())
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    return values;
  }

  /** In float32, also where the frozen base was in bf16 or int8. */
  @ParameterizedTest
  @CsvSource({"fp32, false", "bf16, false", "fp32, true", "bf16, true"})
  void theMergedModelIsTheBaseAndTheScaledAdapter(
      ComputeSettings.Precision precision, boolean quantized) throws IOException {
    TrainingResult learned = train("adapter", settings(false, quantized), precision);
    assertThat(learned.metrics().get(0).value("loss").orElseThrow())
        .isCloseTo(Math.log(2), within(1e-4));
    assertThat(learned.metrics().get(9).value("loss").orElseThrow()).isLessThan(0.5);
    train("merged", settings(true, quantized), precision);
    Path adapter = folder.resolve("adapter").resolve("adapter_model.safetensors");
    try (ModelFolder before = ModelFolder.open(base);
        ModelFolder after = ModelFolder.open(folder.resolve("merged"))) {
      int hidden = before.config().hiddenSize();
      for (String projection : List.of("self_attn.v_proj", "mlp.gate_proj")) {
        String layer = "model.layers.1." + projection;
        float[] expected = before.floats(before.tensor(layer + ".weight"));
        float[] a = tensor(adapter, "base_model.model." + layer + ".lora_A.weight");
        float[] b = tensor(adapter, "base_model.model." + layer + ".lora_B.weight");
        for (int out = 0; out < expected.length / hidden; out++) {
          for (int in = 0; in < hidden; in++) {
            for (int r = 0; r < RANK; r++) {
              expected[out * hidden + in] += 8f / RANK * b[out * RANK + r] * a[r * hidden + in];
            }
          }
        }
        assertThat(after.floats(after.tensor(layer + ".weight")))
            .containsExactly(expected, within(1e-5f));
      }
      String embedding = "model.embed_tokens.weight";
      assertThat(after.floats(after.tensor(embedding)))
          .isEqualTo(before.floats(before.tensor(embedding)));
    }
  }

  @Test
  void bf16LearnsAlmostAsFloat32() {
    TrainingSettings all =
        TrainingSettings.dpo().toBuilder()
            .constantRate(1e-3)
            .batchSize(4)
            .epochs(3)
            .maxLength(256)
            .build();
    List<List<Double>> losses = new ArrayList<>();
    for (ComputeSettings.Precision precision :
        List.of(ComputeSettings.Precision.FP32, ComputeSettings.Precision.BF16)) {
      TrainingResult result = train(precision.name(), all, precision);
      assertThat(result.metrics().get(0).value("loss").orElseThrow())
          .isCloseTo(Math.log(2), within(1e-4));
      losses.add(result.metrics().stream().map(m -> m.value("loss").orElseThrow()).toList());
    }
    for (int step = 0; step < losses.get(0).size(); step++) {
      assertThat(losses.get(1).get(step)).isCloseTo(losses.get(0).get(step), within(0.02));
    }
    assertThat(losses.get(1)).isNotEqualTo(losses.get(0));
    assertThat(Arrays.asList(folder.resolve("fp32"), folder.resolve("bf16")))
        .allSatisfy(f -> assertThat(f).isDirectory());
  }
}
