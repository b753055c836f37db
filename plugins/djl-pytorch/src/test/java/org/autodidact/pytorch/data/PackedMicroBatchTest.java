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

/** What passes hold, and that sums and gradients do not depend on how examples are laid out. */
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
    PackedMicroBatch pass =
        PackedMicroBatch.of(
            List.of(new TokenizedExample(0, 1, ids(10, 2), ids(20, 3), ids(30, 2))));
    assertThat(pass.ids()).containsExactly(10, 11, 20, 21, 30);
    assertThat(pass.positions()).containsExactly(0, 1, 2, 3, 2);
    assertThat(pass.promptLengths()).containsExactly(2);
    assertThat(pass.answerLengths()).containsExactly(2, 1);
    assertThat(pass.logitIndices()).containsExactly(1, 2, 3, 1, 4);
    assertThat(pass.targets()).containsExactly(20, 21, 22, 30, 31);
    assertThat(pass.segmentIds()).containsExactly(0, 0, 0, 1, 1);
    assertThat(pass.scoredTokens()).containsExactly(3, 2);
  }

  @Test
  void sharedPromptsGiveTheSumsOfSequencesAlone() {
    List<TokenizedExample> pairs = pairs();
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program =
            new TrainingProgram(
                model, new TrainingScript(model), DPO, false, TrainingDevice.CPU, 64, 1, 1)) {
      double[] together = program.score(PackedMicroBatch.of(pairs));
      for (int row = 0; row < together.length; row++) {
        TokenizedExample pair = pairs.get(row % 4);
        TokenizedExample alone = new TokenizedExample(0, 1, pair.prompt(), pair.answers()[row / 4]);
        assertThat(program.score(PackedMicroBatch.of(List.of(alone)))[0])
            .isCloseTo(together[row], within(-together[row] * TOLERANCE));
      }
    }
  }

  @Test
  void aBatchInPortionsOrComputedAgainHasTheGradientOfTheWhole() {
    List<TokenizedExample> pairs = pairs();
    for (TrainingSettings settings : List.of(DPO, LORA)) {
      float[] whole = gradient(settings, List.of(pairs));
      float[] split = gradient(settings, pairs.stream().map(List::of).toList());
      float[] again =
          gradient(settings.toBuilder().activationCheckpointing(true).build(), List.of(pairs));
      double largest = largest(whole);
      assertThat(largest).isPositive();
      assertThat(split).containsExactly(whole, within((float) (largest * TOLERANCE)));
      assertThat(again).isEqualTo(whole);
    }
  }

  /** Of 64 scored tokens 32 at a time: all kept, or the first 32. */
  @Test
  void logitsPieceByPieceHaveTheGradientOfTheWhole() {
    List<List<TokenizedExample>> pairs = List.of(pairs());
    for (TrainingSettings settings : List.of(DPO, LORA)) {
      for (boolean bf16 : List.of(false, true)) {
        float[] whole = gradient(settings, pairs, bf16, TrainingScript::new);
        double largest = largest(whole);
        for (int kept : List.of(1, 1 << 20)) {
          float[] pieces = gradient(settings, pairs, bf16, m -> new TrainingScript(m, 1, kept));
          assertThat(pieces)
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
  private float[] gradient(TrainingSettings settings, List<List<TokenizedExample>> portions) {
    return gradient(settings, portions, false, TrainingScript::new);
  }

  private float[] gradient(
      TrainingSettings settings,
      List<List<TokenizedExample>> portions,
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
      backward(program, portions);
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

  private static void backward(TrainingProgram program, List<List<TokenizedExample>> portions) {
    for (List<TokenizedExample> portion : portions) {
      try (ForwardPass forward = program.forward(PackedMicroBatch.of(portion), 0)) {
        double[] slopes = new double[forward.logProbabilities().length];
        for (int row = 0; row < slopes.length; row++) {
          slopes[row] = (row < portion.size() ? -1 : 1) * 0.25;
        }
        forward.backward(slopes);
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
