package org.autodidact.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each architecture's log-probabilities and gradients against transformers'. */
class ArchitecturesTest {
  private static final int PROMPT = 3;

  /** Of a number; the largest difference seen was 1.2e-6. */
  private static final double TOLERANCE = 1e-5;

  @TempDir Path folder;

  private static Example example(JsonNode numbers) {
    JsonNode ids = numbers.path("ids");
    int[] all = IntStream.range(0, ids.size()).map(i -> ids.path(i).asInt()).toArray();
    return new Example(
        0, 1, Arrays.copyOf(all, PROMPT), Arrays.copyOfRange(all, PROMPT, all.length));
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2", "qwen2_window", "mistral", "qwen3"})
  void logProbabilitiesAndGradientsAreTransformers(String name) {
    JsonNode golden = SmallModels.numbers(name + "/golden.json");
    List<Example> examples = new ArrayList<>();
    golden.forEach(numbers -> examples.add(example(numbers)));
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        DecoderProgram program =
            new DecoderProgram(model, TrainingSettings.sft(), false, 64, 1, 1)) {
      double[] together = program.score(Pass.of(examples));
      program.prepareTraining();
      for (int i = 0; i < golden.size(); i++) {
        double sum = golden.path(i).path("log_probability").asDouble();
        double gradient = golden.path(i).path("gradient").asDouble();
        assertThat(together[i]).isCloseTo(sum, within(-sum * TOLERANCE));
        Pass alone = Pass.of(List.of(examples.get(i)));
        try (DecoderProgram.Forward forward = program.forward(alone, 0)) {
          assertThat(forward.sums()[0]).isCloseTo(sum, within(-sum * TOLERANCE));
          forward.backward(new double[] {-1});
        }
        assertThat(program.step(1, 0, 0, 0)).isCloseTo(gradient, within(gradient * TOLERANCE));
      }
    }
  }
}
