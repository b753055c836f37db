package org.autodidact.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.reference.RandomModels;
import org.autodidact.checkpoints.reference.ReferenceDecoder;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.data.TokenizedExample;
import org.autodidact.pytorch.program.ForwardPass;
import org.autodidact.pytorch.program.TrainingDevice;
import org.autodidact.pytorch.program.TrainingProgram;
import org.autodidact.pytorch.program.TrainingScript;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Packed micro-batches of random models of every feature: log-probabilities against the reference
 * decoder's, and gradients against its differences along a random direction.
 */
class ReferenceTest {
  /** Of a log-probability. */
  private static final double TOLERANCE = 2e-5;

  /** Of the length of gradient times direction; the largest difference seen was 2.5e-4. */
  private static final double GRADIENT_TOLERANCE = 1e-3;

  /** Of the direction, in each tensor's root mean square. */
  private static final double STEP = 4e-4;

  private static final int SEEDS = 6;
  private static final int RANK = 3;

  /** The derivative of what is differentiated with respect to each sequence's log-probability. */
  private static final double[] COEFFICIENTS = {-1, 0.7, 0.4, -0.3};

  @TempDir Path folder;

  /** By bits of the seed: LoRA, activation checkpointing, operations of every device. */
  static Stream<Arguments> models() {
    return RandomModels.TYPES.stream()
        .flatMap(type -> IntStream.range(0, SEEDS).mapToObj(seed -> Arguments.of(type, seed)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void logProbabilitiesAndGradientsAreTheReferenceDecoders(String type, int seed) {
    Random random = new Random(seed);
    List<TokenizedExample> examples =
        List.of(
            new TokenizedExample(0, 1, ids(random, 3), ids(random, 5), ids(random, 1)),
            new TokenizedExample(1, 1, ids(random, 10), ids(random, 3), ids(random, 6)));
    TrainingSettings.Builder settings = TrainingSettings.dpo().toBuilder();
    boolean lora = seed % 2 == 1;
    if (lora) {
      settings.lora(new TrainingSettings.Lora(RANK, 6, 0, TrainingSettings.Lora.ALL, false, false));
    }
    settings.activationCheckpointing(seed / 2 % 2 == 1);
    TrainingDevice device =
        seed / 4 % 2 == 1
            ? new TrainingDevice(Device.cpu(), TrainingDevice.Kernels.STANDARD)
            : TrainingDevice.CPU;
    try (ModelFolder model =
            ModelFolder.open(RandomModels.write(folder.resolve("model"), type, seed));
        TrainingProgram program =
            new TrainingProgram(
                model, new TrainingScript(model), settings.build(), false, device, 64, 1, 1)) {
      program.prepareTraining();
      List<float[]> trained = new ArrayList<>();
      List<float[]> direction = new ArrayList<>();
      for (ByteBuffer buffer : program.trained()) {
        if (lora) {
          perturb(buffer.asFloatBuffer(), gaussians(random, buffer.remaining() / 4, 0.2), 1);
        }
        trained.add(floats(buffer));
        direction.add(gaussians(random, buffer.remaining() / 4, STEP * rms(floats(buffer))));
      }
      double[][] expected = new double[5][];
      for (int by = -2; by <= 2; by++) {
        expected[by + 2] = reference(changed(model, program, trained, direction, by), examples);
      }
      try (ForwardPass pass = program.forward(PackedMicroBatch.of(examples), 0)) {
        for (int i = 0; i < COEFFICIENTS.length; i++) {
          assertThat(pass.logProbabilities()[i])
              .isCloseTo(expected[2][i], within(TOLERANCE * Math.abs(expected[2][i])));
        }
        pass.backward(COEFFICIENTS);
      }
      program.step(1, 0, 0, 0);
      int count = trained.size();
      double along = 0;
      double length = 0;
      for (int t = 0; t < count; t++) {
        // AdamW's first moment after a step of rate 0 is a tenth of the gradient.
        float[] moments = floats(program.state().get(count + t));
        for (int i = 0; i < moments.length; i++) {
          double term = 10.0 * moments[i] * direction.get(t)[i];
          along += term;
          length += term * term;
        }
      }
      // The central difference of fourth order.
      double found = 0;
      for (int i = 0; i < COEFFICIENTS.length; i++) {
        double near = expected[3][i] - expected[1][i];
        found += COEFFICIENTS[i] * (8 * near - (expected[4][i] - expected[0][i])) / 12;
      }
      assertThat(found).isCloseTo(along, within(GRADIENT_TOLERANCE * Math.sqrt(length)));
    }
  }

  /** The model with what is trained moved along the direction, an adapter merged. */
  private Path changed(
      ModelFolder model,
      TrainingProgram program,
      List<float[]> trained,
      List<float[]> direction,
      int by) {
    Map<String, float[]> weights = new LinkedHashMap<>();
    for (String weight : program.names()) {
      weights.put(weight, model.floats(model.tensor(weight)));
    }
    List<float[]> moved = new ArrayList<>();
    for (int t = 0; t < trained.size(); t++) {
      float[] values = trained.get(t).clone();
      perturb(FloatBuffer.wrap(values), direction.get(t), by);
      moved.add(values);
    }
    int[] adapted = program.adapter().weights();
    for (int w = 0; w < adapted.length; w++) {
      merge(weights.get(program.names().get(adapted[w])), moved.get(2 * w), moved.get(2 * w + 1));
    }
    if (adapted.length == 0) {
      for (int t = 0; t < moved.size(); t++) {
        weights.put(program.names().get(t), moved.get(t));
      }
    }
    Path copy = folder.resolve("changed" + by);
    try (Stream<Path> files = Files.list(model.path())) {
      Files.createDirectory(copy);
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
      try (FileChannel channel =
          FileChannel.open(copy.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
        for (Map.Entry<String, float[]> weight : weights.entrySet()) {
          ByteBuffer bytes =
              ByteBuffer.allocate(4 * weight.getValue().length).order(ByteOrder.LITTLE_ENDIAN);
          bytes.asFloatBuffer().put(weight.getValue());
          channel.write(bytes, model.tensor(weight.getKey()).offset());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return copy;
  }

  /** weight += α / r · B A. */
  private static void merge(float[] weight, float[] a, float[] b) {
    int inputs = a.length / RANK;
    for (int out = 0; out < b.length / RANK; out++) {
      for (int in = 0; in < inputs; in++) {
        double sum = 0;
        for (int r = 0; r < RANK; r++) {
          sum += 2.0 * b[out * RANK + r] * a[r * inputs + in];
        }
        weight[out * inputs + in] += (float) sum;
      }
    }
  }

  /** Σ ln p of every example's first answer, then of its second, each sequence by itself. */
  private static double[] reference(Path folder, List<TokenizedExample> examples) {
    try (ModelFolder model = ModelFolder.open(folder)) {
      double[] sums = new double[2 * examples.size()];
      for (int i = 0; i < sums.length; i++) {
        int[] prompt = examples.get(i % examples.size()).prompt();
        int[] answer = examples.get(i % examples.size()).answers()[i / examples.size()];
        int[] ids = IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray();
        double[][] logits = new ReferenceDecoder(model).logits(ids);
        for (int t = prompt.length; t < ids.length; t++) {
          double[] row = logits[t - 1];
          sums[i] += row[ids[t]] - Math.log(DoubleStream.of(row).map(Math::exp).sum());
        }
      }
      return sums;
    }
  }

  private static int[] ids(Random random, int count) {
    return random.ints(count, 3, 259).toArray();
  }

  private static float[] gaussians(Random random, int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return values;
  }

  private static void perturb(FloatBuffer values, float[] direction, double by) {
    for (int i = 0; i < direction.length; i++) {
      values.put(i, (float) (values.get(i) + by * direction[i]));
    }
  }

  private static double rms(float... values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum / values.length);
  }

  private static float[] floats(ByteBuffer buffer) {
    float[] values = new float[buffer.remaining() / Float.BYTES];
    buffer.duplicate().order(buffer.order()).asFloatBuffer().get(values);
    return values;
  }
}
