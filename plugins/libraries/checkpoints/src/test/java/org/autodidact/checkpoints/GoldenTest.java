package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.autodidact.api.Message;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.junit.jupiter.api.Test;

/** Against PyTorch's numbers for SmolLM2-135M-Instruct. */
class GoldenTest {
  private static int[] ints(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  @Test
  void importedTensorsEqualTheReferenceDequantization() {
    JsonNode golden = Golden.numbers().path("tensors");
    try (ModelFolder folder = ModelFolder.open(Golden.smollm2())) {
      assertThat(folder.tensors()).hasSize(golden.size());
      for (Map.Entry<String, JsonNode> entry : golden.properties()) {
        TensorInfo tensor = folder.tensor(entry.getKey());
        float[] values = folder.floats(tensor);
        double sum = 0;
        double magnitudes = 0;
        for (float v : values) {
          sum += v;
          magnitudes += Math.abs(v);
        }
        JsonNode expected = entry.getValue();
        assertThat(tensor.shape().stream().mapToInt(Math::toIntExact).toArray())
            .isEqualTo(ints(expected.path("shape")));
        assertThat(sum)
            .as(entry.getKey())
            .isCloseTo(expected.path("sum").asDouble(), within(1e-4 + 1e-9 * magnitudes));
        assertThat(magnitudes)
            .as(entry.getKey())
            .isCloseTo(expected.path("abs_sum").asDouble(), within(1e-4 + 1e-9 * magnitudes));
        for (int i = 0; i < 4; i++) {
          assertThat((double) values[i])
              .isCloseTo(expected.path("first").path(i).asDouble(), within(1e-6));
        }
      }
    }
  }

  @Test
  void tokenIdsAreIdentical() throws Exception {
    JsonNode golden = Golden.numbers();
    String judge = Files.readString(Golden.shared("golden/judge_prompt.txt"));
    try (ModelFolder folder = ModelFolder.open(Golden.smollm2())) {
      PromptEncoder encoder = folder.encoder();
      for (JsonNode prompt : golden.path("prompts")) {
        assertThat(encoder.prompt(List.of(Message.user(prompt.path("instruction").asText()))))
            .isEqualTo(ints(prompt.path("ids")));
      }
      for (JsonNode judged : golden.path("judge")) {
        String text =
            judge
                .replace("{instruction}", judged.path("instruction").asText())
                .replace("{response}", judged.path("response").asText());
        int[] prompt = encoder.prompt(List.of(Message.user(text)));
        int[] score = encoder.text("Score: ");
        assertThat(prompt.length + score.length).isEqualTo(judged.path("tokens").asInt());
      }
      assertThat(encoder.endOfTurn()).containsExactly(2);
      for (JsonNode pair : golden.path("preferences")) {
        int[] prompt = encoder.prompt(List.of(Message.user(pair.path("instruction").asText())));
        int[] chosen = encoder.text(pair.path("chosen").asText());
        int[] whole = ints(pair.path("chosen_ids"));
        assertThat(prompt.length).isEqualTo(pair.path("prompt_tokens").asInt());
        assertThat(whole).startsWith(prompt).endsWith(2).hasSize(prompt.length + chosen.length + 1);
        assertThat(java.util.Arrays.copyOfRange(whole, prompt.length, whole.length - 1))
            .isEqualTo(chosen);
      }
    }
  }
}
