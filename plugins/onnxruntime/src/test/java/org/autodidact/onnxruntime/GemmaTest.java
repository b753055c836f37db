package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.Golden;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.graph.GraphSession;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.junit.jupiter.api.Test;

/**
 * Gemma 3 270M, imported from GGUF, against transformers over the same folder: a short prompt and
 * one longer than its window.
 */
class GemmaTest {
  /** Every so many logits are in the file. */
  private static final int KEPT = 512;

  private static final int PROMPTS = 64;

  @Test
  void tokensLogitsAndGreedyTokensAreTransformers() throws Exception {
    try (ModelFolder model = ModelFolder.open(Golden.gemma3());
        OrtDecoder decoder =
            new OrtDecoder(model, 2, Optional.empty(), false, model.config().contextLength())) {
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

  /** The aim of automatic precision, over prompts of all kinds. */
  @Test
  void inEightBitsTheFirstTokenIsDrawnFromNearlyTheSameProbabilities() {
    List<int[]> prompts = new ArrayList<>();
    try (ModelFolder model = ModelFolder.open(Golden.gemma3());
        Int8Weights quantized =
            Int8Weights.of(model, Int8MatMulCheck.isExact(), 2, new Cancellation());
        OrtDecoder exact =
            new OrtDecoder(model, 2, Optional.empty(), false, model.config().contextLength());
        OrtDecoder decoder =
            new OrtDecoder(
                model, 2, Optional.of(quantized), false, model.config().contextLength())) {
      for (JsonNode row : Golden.lines("data/seed_tasks.jsonl").subList(0, PROMPTS)) {
        // The base model has no chat template; its texts begin with token 2.
        prompts.add(
            IntStream.concat(
                    IntStream.of(2),
                    Arrays.stream(model.encoder().text(row.path("instruction").asText())))
                .toArray());
      }
      List<float[]> expected = lastLogits(exact, prompts);
      List<float[]> found = lastLogits(decoder, prompts);
      double kl =
          IntStream.range(0, PROMPTS)
              .mapToDouble(i -> QualityTest.divergence(expected.get(i), found.get(i)))
              .average()
              .orElseThrow();
      System.out.printf("Gemma 3 270M in 8 bits: first-token KL %.4f nats%n", kl);
      assertThat(kl).isLessThan(0.015);
    }
  }

  private static List<float[]> lastLogits(OrtDecoder decoder, List<int[]> prompts) {
    List<float[]> last = new ArrayList<>();
    try (DecoderSession session = new GraphSession(decoder, false)) {
      for (int[] ids : prompts) {
        session.cache().layOut(1, ids.length);
        float[] row = new float[decoder.config().vocabularySize()];
        session
            .run(
                DecoderSession.Input.ofPrompt(
                    session.cache(), 0, ids, 0, new int[] {ids.length - 1}, 1))
            .copyLogits(0, row);
        last.add(row);
      }
    }
    return last;
  }
}
