package org.autodidact.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The graphs of each architecture against transformers' numbers, on the CPU provider. */
class ArchitecturesTest {
  @TempDir Path folder;

  /** Both prompts in one batch and one padded prefill; their answers reach beyond the window. */
  @ParameterizedTest
  @MethodSource("org.autodidact.gpu.decode.PrefillerTest#modelsAndOperators")
  void stepsWriteTransformersTokensAndAPrefillScoresAsIt(String name, Operators operators)
      throws Exception {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        DecoderEngine engine = engine(model, ElementType.FLOAT, operators)) {
      Prefiller prefiller = engine.prefiller();
      SlotBatch batch = engine.batch(2, Math.min(128, model.config().contextLength()));
      List<int[]> prompts = new ArrayList<>();
      List<List<Integer>> expected = new ArrayList<>();
      List<double[]> logits = new ArrayList<>();
      for (JsonNode p : SmallModels.numbers(name + "/golden.json")) {
        prompts.add(ints(p.path("ids")));
        expected.add(Arrays.stream(ints(p.path("greedy"))).boxed().toList());
        logits.add(logits(p));
      }
      assertThat(prompts).hasSize(2);
      prefiller.fill(
          prompts.stream().map(p -> Arrays.copyOf(p, p.length - 1)).toList(),
          new int[0],
          new Cancellation(),
          (text, cache, slot) ->
              cache.copy(slot, batch.cache(), text, prompts.get(text).length - 1));
      List<DecodedSequence> sequences = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        GenerationRequest request =
            new GenerationRequest(
                Prompt.of("p" + i, "not asked for"),
                List.of(1L),
                SamplingParameters.greedy(expected.get(i).size()).withIgnoreEndOfText(true));
        DecodedSequence sequence =
            new DecodedSequence(new GenerationJob(request, prompts.get(i), 0, model), 0, model);
        sequences.add(sequence);
        batch.enter(i, sequence);
      }
      while (!batch.isEmpty()) {
        batch.capture(); // as on a GPU where another thread calls; it changes nothing
        batch.launch(new Cancellation());
        batch.collect();
      }
      for (int i = 0; i < 2; i++) {
        assertThat(sequences.get(i).finish().orElseThrow().candidates().get(0).tokens())
            .isEqualTo(expected.get(i));
        scores(prefiller, prompts.get(i), logits.get(i), 1e-3);
      }
    }
  }

  private static DecoderEngine engine(ModelFolder model, ElementType type, Operators operators) {
    return new DecoderEngine(
        new HostDevice(1),
        model,
        new DecoderEngine.Key(
            OrtLibrary.load(Optional.empty()),
            "cpu",
            type,
            operators,
            model.config(),
            model.ends().tokens().stream().map(i -> (long) i).sorted().toList(),
            new StepGenerator.Decoding(2, 6, 8),
            1));
  }

  /** Half precision, which ONNX Runtime's CPU computes by casts, scores nearly the same. */
  @ParameterizedTest
  @MethodSource("org.autodidact.gpu.decode.PrefillerTest#modelsAndOperators")
  void halfPrecisionScoresNearlyTheSame(String name, Operators operators) throws Exception {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        DecoderEngine engine = engine(model, ElementType.FLOAT16, operators)) {
      for (JsonNode p : SmallModels.numbers(name + "/golden.json")) {
        scores(engine.prefiller(), ints(p.path("ids")), logits(p), 0.05);
      }
      SlotBatch batch = engine.batch(2, 64);
      batch.launch(new Cancellation());
      assertThat(batch.collect()).isEmpty();
    }
  }

  /** The CPU has no kernels for it; that it comes to looking for them says that the types fit. */
  @ParameterizedTest
  @MethodSource("org.autodidact.gpu.decode.PrefillerTest#modelsAndOperators")
  void theGraphsAreWellTypedInBfloat16(String name, Operators operators) throws Exception {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        DecoderEngine engine = engine(model, ElementType.BFLOAT16, operators)) {
      assertThatThrownBy(() -> engine.fused(DecoderEngine.Prefill.SCORING))
          .hasMessageContaining("Could not find an implementation");
      assertThatThrownBy(() -> engine.plain(true, Prefiller.ENGINE_LIMITS))
          .hasMessageContaining("Could not find an implementation");
      assertThatThrownBy(() -> engine.batch(2, 64))
          .hasMessageContaining("Could not find an implementation");
    }
  }

  private static void scores(Prefiller prefiller, int[] prompt, double[] logits, double tolerance) {
    double total = Math.log(Arrays.stream(logits).map(Math::exp).sum());
    double[] found = new double[logits.length];
    List<int[]> all = IntStream.range(0, logits.length).mapToObj(t -> new int[] {t}).toList();
    prefiller.score(
        List.of(new PrefillPass.Text(prompt, prompt.length - 1, all)),
        new int[0],
        new Cancellation(),
        (text, sums) -> System.arraycopy(sums, 0, found, 0, found.length));
    for (int token = 0; token < logits.length; token++) {
      assertThat(found[token]).isCloseTo(logits[token] - total, within(tolerance));
    }
  }

  private static double[] logits(JsonNode prompt) {
    return IntStream.range(0, prompt.path("logits").size())
        .mapToDouble(i -> prompt.path("logits").path(i).asDouble())
        .toArray();
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.path(i).asInt()).toArray();
  }
}
