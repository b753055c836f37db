package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.reference.RandomModels;
import org.autodidact.checkpoints.reference.ReferenceDecoder;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.gpu.GpuDecoderLayers;
import org.autodidact.onnxruntime.gpu.ScoringGraph;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.graph.GraphBackend;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunTensors;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;
import org.autodidact.onnxruntime.vector.VectorBackend;
import org.autodidact.onnxruntime.vector.VectorWeights;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every back end against the reference decoder, or its refusal, on random models. */
class ReferenceTest {
  private static final int POSITIONS = 128;

  /** Of float32, in the largest logit. */
  private static final double FLOAT_TOLERANCE = 1e-3;

  /** Of 8 bits, by root mean square; these models are too small for good 8 bits. */
  private static final double INT8_TOLERANCE = 0.15;

  @TempDir Path folder;

  static Stream<Arguments> models() {
    return RandomModels.TYPES.stream()
        .flatMap(
            type ->
                Stream.iterate(0, s -> s < RandomModels.SEEDS, s -> s + 1)
                    .map(seed -> Arguments.of(type, seed)));
  }

  private interface Opener {
    DecoderBackend open(ModelFolder model);
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyBackEndGivesItsLogitsOrRefuses(String type, int seed) {
    int[] ids = new Random(seed).ints(3 + 7 * seed % 40, 3, 259).toArray();
    try (ModelFolder model =
        ModelFolder.open(RandomModels.write(folder.resolve("model"), type, seed))) {
      double[] expected = new ReferenceDecoder(model).logits(ids)[ids.length - 1];
      check(
          model,
          DecoderGraph.CAPABILITIES,
          FLOAT_TOLERANCE,
          ids,
          expected,
          m -> new GraphBackend(m, Optional.empty(), 1, false, POSITIONS));
      try (QuantizedWeights weights = int8(model)) {
        check(
            model,
            Int8Weights.CAPABILITIES,
            INT8_TOLERANCE,
            ids,
            expected,
            m -> new GraphBackend(m, Optional.of(weights), 1, false, POSITIONS));
        if (VectorWeights.supports(model.config())) {
          check(
              model,
              VectorWeights.CAPABILITIES,
              INT8_TOLERANCE,
              ids,
              expected,
              m -> new VectorBackend(m.config(), (Int8Weights) weights, 1, POSITIONS));
        }
      } catch (UnsupportedModelException e) {
        assertThat(Int8Weights.CAPABILITIES.supports(model.config())).isFalse();
        assertThat(e)
            .hasMessageContaining(
                Int8Weights.CAPABILITIES.missing(model.config()).iterator().next().toString());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void weightsInBlocksOfEightBitsGiveItsLogitsOrRefuse(String type, int seed) {
    int[] ids = new Random(seed).ints(3 + 7 * seed % 40, 3, 259).toArray();
    try (ModelFolder model =
        ModelFolder.open(RandomModels.write(folder.resolve("model"), type, seed))) {
      if (!BlockInt8Weights.CAPABILITIES.supports(model.config())) {
        assertThatThrownBy(() -> BlockInt8Weights.of(model, new Cancellation()))
            .isInstanceOf(UnsupportedModelException.class);
        return;
      }
      double[] expected = new ReferenceDecoder(model).logits(ids)[ids.length - 1];
      try (QuantizedWeights weights = BlockInt8Weights.of(model, new Cancellation())) {
        check(
            model,
            BlockInt8Weights.CAPABILITIES,
            INT8_TOLERANCE,
            ids,
            expected,
            m -> new GraphBackend(m, Optional.of(weights), 1, false, POSITIONS));
      }
    }
  }

  /** The layers of GPUs, by the CPU's execution provider. */
  @ParameterizedTest
  @MethodSource("models")
  void theLayersOfGpusGiveItsProbabilities(String type, int seed) throws Exception {
    int[] ids = new Random(seed).ints(3 + 7 * seed % 40, 3, 259).toArray();
    try (ModelFolder model =
            ModelFolder.open(RandomModels.write(folder.resolve("model"), type, seed));
        OwnedSession session =
            TestDevice.in(folder.resolve("engines")).open(model, ScoringGraph.build(model));
        RunTensors tensors = new RunTensors()) {
      assertThat(GpuDecoderLayers.CAPABILITIES.missing(model.config())).isEmpty();
      double[] logits = new ReferenceDecoder(model).logits(ids)[ids.length - 1];
      double total = Math.log(Arrays.stream(logits).map(Math::exp).sum());
      long[] targets = new long[2 * logits.length];
      for (int t = 0; t < logits.length; t++) {
        targets[2 * t + 1] = t;
      }
      tensors.input("input_ids", Arrays.stream(ids).asLongStream().toArray(), 1, ids.length);
      tensors.input("rows", new long[] {ids.length - 1}, 1);
      tensors.input("targets", targets, logits.length, 2);
      try (OrtSession.Result result = session.run(tensors.inputs())) {
        float[] found = (float[]) result.get(0).getValue();
        for (int t = 0; t < logits.length; t++) {
          assertThat((double) found[t]).isCloseTo(logits[t] - total, within(2e-3));
        }
      }
    }
  }

  private static QuantizedWeights int8(ModelFolder model) {
    return Int8Weights.of(model, false, 1, new Cancellation());
  }

  private static void check(
      ModelFolder model,
      BackendCapabilities capabilities,
      double tolerance,
      int[] ids,
      double[] expected,
      Opener opener) {
    if (!capabilities.supports(model.config())) {
      assertThatThrownBy(() -> opener.open(model).close())
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining(capabilities.missing(model.config()).iterator().next().toString());
      return;
    }
    try (DecoderBackend backend = opener.open(model)) {
      DecoderSession session = backend.session(0);
      session.cache().layOut(1, ids.length);
      float[] found = new float[expected.length];
      session
          .run(
              DecoderSession.Input.ofPrompt(
                  session.cache(), 0, ids, 0, new int[] {ids.length - 1}, 1))
          .copyLogits(0, found);
      double error = 0;
      double size = 0;
      for (int t = 0; t < found.length; t++) {
        error += (found[t] - expected[t]) * (found[t] - expected[t]);
        size += expected[t] * expected[t];
      }
      assertThat(Math.sqrt(error / size)).as(capabilities.backend()).isLessThan(tolerance);
    }
  }
}
