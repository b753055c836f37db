package org.autodidact.pytorch.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.pytorch.program.ForwardPass;
import org.autodidact.pytorch.program.TrainingDevice;
import org.autodidact.pytorch.program.TrainingProgram;
import org.autodidact.pytorch.program.TrainingScript;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packing, and that log-probabilities and gradients do not depend on it. */
class PackedMicroBatchTest {
  /** Of a sum or a gradient's largest number. */
  private static final double TOLERANCE = 1e-5;

  private static final TrainingSettings DPO = TrainingSettings.dpo();
  private static final TrainingSettings LORA =
      DPO.toBuilder().lora(TrainingSettings.Lora.rank(2)).build();

  @TempDir Path folder;
  private Path base;

  @BeforeEach
  void writeBase() {
    base = TinyModel.write(folder.resolve("base"), 3);
  }

  private static int[] ids(int from, int count) {
    return IntStream.range(from, from + count).map(i -> i % 50).toArray();
  }

  /** Four pairs of prompts and answers of many lengths, one answer of a single token. */
  private static List<TokenizedExample> pairs() {
    List<TokenizedExample> pairs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      pairs.add(
          new TokenizedExample(i, 1, ids(3 * i, 2 + 5 * i), ids(7 * i, 1 + 4 * i), ids(11 * i, 9)));
    }
    return pairs;
  }

  @Test
  void aPromptIsOnceThereForBothAnswers() {
    PackedMicroBatch batch =
        PackedMicroBatch.of(
            List.of(new TokenizedExample(0, 1, ids(10, 2), ids(20, 3), ids(30, 2))));
    assertThat(batch.ids()).containsExactly(10, 11, 20, 21, 30);
    assertThat(batch.positions()).containsExactly(0, 1, 2, 3, 2);
    assertThat(batch.promptLengths()).containsExactly(2);
    assertThat(batch.answerLengths()).containsExactly(2, 1);
    assertThat(batch.logitIndices()).containsExactly(1, 2, 3, 1, 4);
    assertThat(batch.targets()).containsExactly(20, 21, 22, 30, 31);
    assertThat(batch.segmentIds()).containsExactly(0, 0, 0, 1, 1);
    assertThat(batch.scoredTokens()).containsExactly(3, 2);
  }

  @Test
  void sharedPromptsGiveTheSumsOfSequencesAlone() {
    List<TokenizedExample> pairs = pairs();
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program =
            new TrainingProgram(
                model, new TrainingScript(model), DPO, false, TrainingDevice.CPU, 64, 1, 1)) {
      double[] together = program.score(PackedMicroBatch.of(pairs));
      for (int s = 0; s < together.length; s++) {
        TokenizedExample pair = pairs.get(s % 4);
        TokenizedExample alone = new TokenizedExample(0, 1, pair.prompt(), pair.answers()[s / 4]);
        assertThat(program.score(PackedMicroBatch.of(List.of(alone)))[0])
            .isCloseTo(together[s], within(-together[s] * TOLERANCE));
      }
    }
  }

  @Test
  void microBatchesAndActivationCheckpointingLeaveTheGradientAsItIs() {
    List<TokenizedExample> pairs = pairs();
    for (TrainingSettings settings : List.of(DPO, LORA)) {
      float[] whole = gradient(settings, List.of(pairs));
      float[] split = gradient(settings, pairs.stream().map(List::of).toList());
      float[] checkpointed =
          gradient(settings.toBuilder().activationCheckpointing(true).build(), List.of(pairs));
      double largest = largest(whole);
      assertThat(largest).isPositive();
      assertThat(split).containsExactly(whole, within((float) (largest * TOLERANCE)));
      assertThat(checkpointed).isEqualTo(whole);
    }
  }

  /** Of 64 scored tokens 32 at a time: all kept, or the first 32. */
  @Test
  void logitsInChunksHaveTheGradientOfTheWhole() {
    List<List<TokenizedExample>> pairs = List.of(pairs());
    for (TrainingSettings settings : List.of(DPO, LORA)) {
      for (boolean bf16 : List.of(false, true)) {
        float[] whole = gradient(settings, pairs, bf16, TrainingScript::new);
        double largest = largest(whole);
        for (int kept : List.of(1, 1 << 20)) {
          float[] chunks = gradient(settings, pairs, bf16, m -> new TrainingScript(m, 1, kept));
          assertThat(chunks)
              .containsExactly(whole, within((float) (largest * (bf16 ? 1e-2 : TOLERANCE))));
        }
      }
    }
  }

  @Test
  void adafactorIsItsFormula() {
    double rate = 0.01;
    float[] gradients = gradient(DPO, List.of(pairs()));
    TrainingSettings settings =
        DPO.toBuilder().optimizer(TrainingSettings.Optimizer.ADAFACTOR).build();
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program =
            new TrainingProgram(
                model, new TrainingScript(model), settings, false, TrainingDevice.CPU, 64, 1, 1)) {
      float[] expected = floats(program.trained());
      int at = 0;
      for (String name : program.names()) {
        List<Long> shape = model.tensor(name).shape();
        int size = Math.toIntExact(shape.stream().reduce(1L, (a, b) -> a * b));
        int columns = shape.size() > 1 ? Math.toIntExact(shape.get(1)) : 1;
        float[] g = Arrays.copyOfRange(gradients, at, at + size);
        double[] step = adafactor(g, columns, shape.size() > 1);
        for (int i = 0; i < size; i++) {
          expected[at + i] -= (float) (rate * step[i]);
        }
        at += size;
      }
      program.prepareTraining();
      backward(program, List.of(pairs()));
      program.step(1, rate, 0, 0);
      assertThat(floats(program.trained())).containsExactly(expected, within(1e-5f));
      assertThat(floats(program.state()).length).isLessThan(expected.length * 3 / 2);
    }
  }

  /** The first step: the means are the first gradient's. */
  private static double[] adafactor(float[] g, int columns, boolean matrix) {
    int rows = g.length / columns;
    double[] row = new double[rows];
    double[] column = new double[columns];
    double mean = 0;
    for (int i = 0; i < g.length; i++) {
      double square = (double) g[i] * g[i];
      row[i / columns] += square / columns;
      column[i % columns] += square / rows;
      mean += square / g.length;
    }
    double[] step = new double[g.length];
    double size = 0;
    for (int i = 0; i < g.length; i++) {
      double variance =
          matrix
              ? (row[i / columns] + 1e-30) / (mean + 1e-30) * (column[i % columns] + 1e-30)
              : (double) g[i] * g[i] + 1e-30;
      step[i] = g[i] / Math.sqrt(variance);
      size += step[i] * step[i] / g.length;
    }
    double clip = Math.max(1, Math.sqrt(size));
    return Arrays.stream(step).map(s -> s / clip).toArray();
  }

  /** The gradient of some loss: ten times AdamW's first moment after a step of rate 0. */
  private float[] gradient(TrainingSettings settings, List<List<TokenizedExample>> microBatches) {
    return gradient(settings, microBatches, false, TrainingScript::new);
  }

  private float[] gradient(
      TrainingSettings settings,
      List<List<TokenizedExample>> microBatches,
      boolean bf16,
      Function<ModelFolder, TrainingScript> script) {
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program =
            new TrainingProgram(
                model, script.apply(model), settings, bf16, TrainingDevice.CPU, 64, 1, 1)) {
      program.prepareTraining();
      for (int i = 1; i < program.adapter().matrices().length; i += 2) {
        // B is zero at first, and A's gradient with it.
        program.trained().get(i).asFloatBuffer().put(0, 0.1f).put(3, -0.2f);
      }
      backward(program, microBatches);
      program.step(1, 0, 0, 0);
      int trained = program.trained().size();
      float[] moments = floats(program.state().subList(trained, 2 * trained));
      for (int i = 0; i < moments.length; i++) {
        moments[i] *= 10;
      }
      return moments;
    }
  }

  private static double largest(float[] numbers) {
    double largest = 0;
    for (float number : numbers) {
      largest = Math.max(largest, Math.abs(number));
    }
    return largest;
  }

  private static void backward(TrainingProgram program, List<List<TokenizedExample>> microBatches) {
    for (List<TokenizedExample> microBatch : microBatches) {
      try (ForwardPass pass = program.forward(PackedMicroBatch.of(microBatch), 0)) {
        double[] gradients = new double[pass.logProbabilities().length];
        for (int s = 0; s < gradients.length; s++) {
          gradients[s] = (s < microBatch.size() ? -1 : 1) * 0.25;
        }
        pass.backward(gradients);
      }
    }
  }

  private static float[] floats(List<ByteBuffer> buffers) {
    int size = buffers.stream().mapToInt(b -> b.remaining() / Float.BYTES).sum();
    FloatBuffer all = FloatBuffer.allocate(size);
    buffers.forEach(b -> all.put(b.duplicate().order(b.order()).asFloatBuffer()));
    return all.array();
  }
}
