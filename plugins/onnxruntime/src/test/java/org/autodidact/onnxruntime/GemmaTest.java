package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.checkpoints.Golden;
import org.autodidact.checkpoints.ModelFolder;
import org.junit.jupiter.api.Test;

/**
 * Gemma 3 270M, imported from GGUF, against transformers over the same folder: a short prompt and
 * one longer than its window.
 */
class GemmaTest {
  /** Every so many logits are in the file. */
  private static final int KEPT = 512;

  @Test
  void tokensLogitsAndGreedyTokensAreTransformers() throws Exception {
    try (ModelFolder model = ModelFolder.open(Golden.gemma3());
        Decoder decoder = new Decoder(model, 2, Optional.empty(), false)) {
      List<ArchitecturesTest.Prompt> prompts = ArchitecturesTest.golden("gemma-3-270m.json");
      assertThat(prompts.get(1).ids()).hasSizeGreaterThan(512);
      for (ArchitecturesTest.Prompt prompt : prompts) {
        int[] ids = prompt.ids();
        assertThat(model.encoder().text(prompt.text()))
            .isEqualTo(Arrays.copyOfRange(ids, 1, ids.length));
        List<float[]> first = new ArrayList<>();
        assertThat(ArchitecturesTest.greedy(decoder, List.of(prompt), 16, first))
            .isEqualTo(List.of(prompt.greedy()));
        float[] every = first.get(0);
        float[] kept = new float[prompt.logits().length];
        IntStream.range(0, kept.length).forEach(i -> kept[i] = every[i * KEPT]);
        assertThat(prompt.difference(kept)).isLessThan(1e-3);
      }
    }
  }
}
