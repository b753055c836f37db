package org.autodidact.pytorch.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.pytorch.engine.PtSymbolBlock;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.LossParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.data.TokenizedExample;
import org.autodidact.pytorch.loss.TrainingLoss;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The program of GPUs, on the CPU. */
class DeviceProgramTest {
  private static final TrainingDevice STANDARD =
      new TrainingDevice(Device.cpu(), TrainingDevice.Kernels.STANDARD);
  private static final TrainingSettings DPO = TrainingSettings.dpo();

  @TempDir Path folder;
  private Path base;

  @BeforeEach
  void writeBase() {
    base = TinyModel.write(folder.resolve("base"), 3);
  }

  private static PackedMicroBatch pairs(int from) {
    List<TokenizedExample> pairs = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      pairs.add(
          new TokenizedExample(
              i, 1, ids(from + i, 2 + 5 * i), ids(7 * i, 1 + 4 * i), ids(11 * i, 9)));
    }
    return PackedMicroBatch.of(pairs);
  }

  private static int[] ids(int from, int count) {
    return IntStream.range(from, from + count).map(i -> i % 50).toArray();
  }

  private static TrainingProgram program(
      ModelFolder model, TrainingSettings settings, boolean bf16, TrainingDevice device) {
    return new TrainingProgram(model, new TrainingScript(model), settings, bf16, device, 64, 1, 1);
  }

  private static TrainingLoss.Scores scores(int sequences, double reference) {
    double[] all = new double[sequences];
    double[] ones = new double[sequences];
    for (int i = 0; i < sequences; i++) {
      all[i] = reference;
      ones[i] = 1;
    }
    return new TrainingLoss.Scores(new double[0], all, ones, ones);
  }

  /** Kernels of CUDA have no code here, but names and arguments, which the compiler looks up. */
  @ParameterizedTest
  @CsvSource({
    "qwen3,false,false",
    "qwen3,true,false",
    "gemma3_text,true,true",
    "gemma3_text,false,true"
  })
  void thisLibtorchHasTheOperationsOfGpus(String name, boolean bf16, boolean lora)
      throws Exception {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        Model torch = Model.newInstance("decoder", Device.cpu(), "PyTorch")) {
      Optional<TrainingSettings.Lora> adapter =
          lora ? Optional.of(TrainingSettings.Lora.rank(2)) : Optional.empty();
      String text = new TrainingScript(model).text(adapter, bf16, TrainingDevice.Kernels.CUDA);
      torch.load(new ByteArrayInputStream(TorchScriptArchive.of(text)));
      assertThat(torch.getBlock()).isInstanceOf(PtSymbolBlock.class);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whereFusedAttentionIsNotTherePlainAttentionIsTaken(boolean bf16) {
    TrainingDevice cuda = new TrainingDevice(Device.cpu(), TrainingDevice.Kernels.CUDA);
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram fallen = program(model, DPO, bf16, cuda);
        TrainingProgram plain = program(model, DPO, bf16, STANDARD)) {
      assertThat(fallen.score(pairs(1))).isEqualTo(plain.score(pairs(1)));
    }
  }

  /** The comparison by which a GPU's fused attention is judged, here of plain attention itself. */
  @ParameterizedTest
  @CsvSource({"qwen3,false", "gemma3_text,true"})
  void attentionIsComparedWithPlainOperations(String name, boolean bf16) {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        TrainingProgram program = program(model, DPO, bf16, STANDARD)) {
      assertThat(program.attentionErrors(Integer.MAX_VALUE)).containsExactly(0, 0, 0, 0);
      assertThat(program.attentionErrors(50)).containsExactly(0, 0, 0, 0);
    }
  }

  @Test
  void theHostWaitsOnceAStep() {
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program = program(model, DPO, false, STANDARD)) {
      program.references(List.of(pairs(1), pairs(2), pairs(3)), () -> {});
      assertThat(program.reads()).isOne();
      program.prepareTraining();
      TrainingLoss loss = TrainingLoss.of(DPO);
      for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 3; i++) {
          try (ForwardPass pass = program.forward(pairs(i), 0)) {
            pass.backward(loss.terms(scores(6, -20), 1.0 / 9));
          }
        }
        List<double[]> sums = program.step(step, 0, 0, 1).logProbabilities();
        assertThat(program.reads()).isEqualTo(1 + step);
        assertThat(sums).hasSize(3).allMatch(s -> s.length == 6 && s[0] < 0);
      }
      assertThat(program.score(pairs(0))).hasSize(6);
    }
  }

  static List<Loss> losses() {
    return Loss.KNOWN;
  }

  @ParameterizedTest
  @MethodSource("losses")
  void theDevicesLossGradientsAreTheHosts(Loss kind) {
    Random random = new Random(3);
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program = program(model, DPO, false, STANDARD)) {
      for (int n = 0; n < 8; n++) {
        TrainingSettings settings =
            (kind.equals(Loss.SFT) ? TrainingSettings.sft() : DPO)
                .toBuilder()
                    .loss(kind)
                    .lossParameters(
                        new LossParameters(
                            0.05 + random.nextDouble(),
                            random.nextDouble() * 0.4,
                            random.nextDouble(),
                            n % 2))
                    .build();
        TrainingLoss loss = TrainingLoss.of(settings);
        float[] sums = new float[6];
        double[] rounded = new double[6];
        double[] reference = new double[6];
        double[] unknown = new double[6];
        for (int i = 0; i < 6; i++) {
          sums[i] = (float) (-60 * random.nextDouble());
          rounded[i] = sums[i];
          boolean known = !loss.needsReference() || n < 4 || i % 3 > 0;
          reference[i] = loss.needsReference() ? known ? -60 * random.nextDouble() : sums[i] : 0;
          unknown[i] = known ? reference[i] : Double.NaN;
        }
        double[] lengths = random.ints(6, 1, 30).asDoubleStream().toArray();
        double[] consistency = random.doubles(3, 0.5, 1).toArray();
        double[] expected =
            loss.value(new TrainingLoss.Scores(rounded, reference, lengths, consistency), 0.25)
                .gradients();
        float[] found =
            program.lossGradients(
                sums,
                loss.terms(
                    new TrainingLoss.Scores(new double[0], unknown, lengths, consistency), 0.25));
        for (int i = 0; i < 6; i++) {
          assertThat((double) found[i])
              .isCloseTo(expected[i], within(1e-6 * (Math.abs(expected[i]) + 1e-3)));
        }
      }
    }
  }

  /** Clipped, of several steps, by AdamW and Adafactor: as the host's step has them. */
  @ParameterizedTest
  @CsvSource({"adamw,0", "adamw,0.5", "adafactor,0", "adafactor,0.5"})
  void stepsOfTheDeviceAreTheHosts(String optimizer, double limit) {
    TrainingSettings settings =
        DPO.toBuilder()
            .optimizer(
                optimizer.equals("adamw")
                    ? TrainingSettings.Optimizer.ADAMW
                    : TrainingSettings.Optimizer.ADAFACTOR)
            .build();
    List<float[]> results = new ArrayList<>();
    for (TrainingDevice device : List.of(TrainingDevice.CPU, STANDARD)) {
      try (ModelFolder model = ModelFolder.open(base);
          TrainingProgram program = program(model, settings, false, device)) {
        program.prepareTraining();
        List<Double> norms = new ArrayList<>();
        for (int step = 1; step <= 3; step++) {
          try (ForwardPass pass = program.forward(pairs(step), 0)) {
            pass.backward(new double[] {-1, -1, -1, 0.5, 0.5, 0.5});
          }
          norms.add(program.step(step, 1e-3, 0.1, limit).gradientNorm());
        }
        assertThat(norms).allMatch(n -> n > 0.6);
        results.add(floats(program.state()));
      }
    }
    float[] expected = results.get(0);
    float[] found = results.get(1);
    for (int i = 0; i < expected.length; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(2e-5f + 1e-3f * Math.abs(expected[i])));
    }
  }

  @Test
  void aGradientThatIsNoNumberChangesNothing() {
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram program = program(model, DPO, false, STANDARD)) {
      program.prepareTraining();
      float[] before = floats(program.trained());
      try (ForwardPass pass = program.forward(pairs(1), 0)) {
        pass.backward(TrainingLoss.of(DPO).terms(scores(6, -20), Double.NaN));
      }
      TrainingProgram.Step step = program.step(1, 1e-3, 0.1, 1);
      assertThat(step.gradientNorm()).isNaN();
      assertThat(floats(program.trained())).isEqualTo(before);
    }
  }

  /** A GPU's micro-batch is a whole step of a small model, and less of a large one. */
  @Test
  void microBatchesOfDevicesAreLarger() {
    try (ModelFolder model = ModelFolder.open(base);
        TrainingProgram device = program(model, DPO, true, STANDARD);
        TrainingProgram cpu = program(model, DPO, true, TrainingDevice.CPU)) {
      assertThat(device.microBatchTokens()).isEqualTo(16_384);
      assertThat(cpu.microBatchTokens()).isEqualTo(2048);
    }
  }

  private static float[] floats(List<ByteBuffer> buffers) {
    List<float[]> all = new ArrayList<>();
    int size = 0;
    for (ByteBuffer buffer : buffers) {
      float[] values = new float[buffer.remaining() / Float.BYTES];
      buffer.duplicate().order(buffer.order()).asFloatBuffer().get(values);
      all.add(values);
      size += values.length;
    }
    float[] joined = new float[size];
    int at = 0;
    for (float[] values : all) {
      System.arraycopy(values, 0, joined, at, values.length);
      at += values.length;
    }
    return joined;
  }
}
