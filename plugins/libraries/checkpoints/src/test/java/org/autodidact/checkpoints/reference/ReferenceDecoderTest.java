package org.autodidact.checkpoints.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReferenceDecoderTest {
  @TempDir Path folder;

  /** The numbers of transformers are float32's. */
  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void itsLogitsAreTransformers(String name) {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name))) {
      for (JsonNode prompt : SmallModels.numbers(name + "/golden.json")) {
        JsonNode ids = prompt.path("ids");
        double[][] logits =
            new ReferenceDecoder(model)
                .logits(IntStream.range(0, ids.size()).map(i -> ids.path(i).asInt()).toArray());
        JsonNode expected = prompt.path("logits");
        for (int t = 0; t < expected.size(); t++) {
          assertThat(logits[ids.size() - 1][t])
              .isCloseTo(expected.path(t).asDouble(), within(1e-4));
        }
      }
    }
  }

  /** What back ends are held to would otherwise miss a feature without anyone noticing. */
  @Test
  void theRandomModelsHaveEveryFeature() {
    Set<ModelFeature> seen = EnumSet.noneOf(ModelFeature.class);
    for (String type : RandomModels.TYPES) {
      for (int seed = 0; seed < RandomModels.SEEDS; seed++) {
        try (ModelFolder model =
            ModelFolder.open(RandomModels.write(folder.resolve(type + seed), type, seed))) {
          seen.addAll(model.config().features());
        }
      }
    }
    assertThat(seen).containsExactly(ModelFeature.values());
  }
}
