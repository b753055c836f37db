package org.autodidact.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.Golden;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.decode.StepGenerator;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.OrtLibrary;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The graphs of a step and a prefill, on the CPU provider, against PyTorch's numbers. */
class StepGoldenTest {
  private static JsonNode golden;
  private static StepGenerator generator;

  @BeforeAll
  static void open() {
    golden = Golden.numbers();
    generator =
        StepGenerator.open(
            ModelFolder.open(Golden.smollm2()),
            OrtLibrary.load(Optional.empty()),
            new HostDevice(2),
            ElementType.FLOAT,
            new StepGenerator.Decoding(4, 8, 256),
            ComputeSettings.automatic());
  }

  @AfterAll
  static void close() {
    if (generator != null) {
      generator.close();
    }
  }

  private static Map<String, Generation> generate(List<GenerationRequest> requests) {
    Map<String, Generation> found = new HashMap<>();
    generator.generate(requests, g -> found.put(g.promptId(), g), new Cancellation());
    return found;
  }

  @Test
  void greedyTokensAreIdentical() {
    SamplingParameters greedy = SamplingParameters.greedy(32).withIgnoreEndOfText(true);
    List<GenerationRequest> all = new ArrayList<>();
    for (JsonNode prompt : golden.path("prompts")) {
      all.add(
          new GenerationRequest(
              Prompt.of("p" + all.size(), prompt.path("instruction").asText()),
              List.of(1L),
              greedy));
    }
    Map<String, Generation> found = generate(all);
    for (int i = 0; i < all.size(); i++) {
      List<Integer> expected = new ArrayList<>();
      golden.path("prompts").path(i).path("greedy").forEach(t -> expected.add(t.asInt()));
      assertThat(found.get("p" + i).candidates().get(0).tokens()).isEqualTo(expected);
    }
  }
}
