package org.autodidact.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.data.TokenizedExample;
import org.autodidact.pytorch.loss.TrainingLoss;
import org.autodidact.pytorch.program.ForwardPass;
import org.autodidact.pytorch.program.TrainingDevice;
import org.autodidact.pytorch.program.TrainingProgram;
import org.autodidact.pytorch.program.TrainingScript;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each architecture's log-probabilities and gradients against transformers'. */
class ArchitecturesTest {
  private static final int PROMPT = 3;

  /** In float32, of a number; the largest difference seen was 1.2e-6. */
  private static final double TOLERANCE = 1e-5;

  /** In bf16; the largest differences seen were 1.6e-3 of a sum, 1.5e-2 of a gradient. */
  private static final double BF16_TOLERANCE = 3e-2;

  /** Four digits, after several steps too. */
  private static final double TRAJECTORY_TOLERANCE = 1e-4;

  private static final TrainingSettings.Lora LORA =
      new TrainingSettings.Lora(4, 6, 0, TrainingSettings.Lora.ALL, false, false);

  @TempDir Path folder;

  private static TokenizedExample example(JsonNode numbers) {
    JsonNode ids = numbers.path("ids");
    int[] all = IntStream.range(0, ids.size()).map(i -> ids.path(i).asInt()).toArray();
    return new TokenizedExample(
        0, 1, Arrays.copyOf(all, PROMPT), Arrays.copyOfRange(all, PROMPT, all.length));
  }

  private static void assertIsClose(double found, double expected) {
    assertIsClose(found, expected, TOLERANCE);
  }

  private static void assertIsClose(double found, double expected, double tolerance) {
    assertThat(found).isCloseTo(expected, within(Math.abs(expected) * tolerance));
  }

  /** Each architecture with the operations of CPUs and with those of every device. */
  private static Stream<Arguments> targets(String... names) {
    return Stream.of(names)
        .flatMap(
            name ->
                Stream.of(
                        TrainingDevice.CPU,
                        new TrainingDevice(Device.cpu(), TrainingDevice.Kernels.STANDARD))
                    .map(target -> Arguments.of(name, target)));
  }

  /** Numbers made by src/test/python/make_adapters.py. */
  private static Stream<Arguments> adapted() {
    return targets("qwen2", "qwen3", "gemma3_text", "granite");
  }

  private static Stream<Arguments> trained() {
    return targets(SmallModels.NAMES.toArray(String[]::new))
        .flatMap(
            a -> Stream.of(false, true).map(bf16 -> Arguments.of(a.get()[0], a.get()[1], bf16)));
  }

  private static JsonNode resource(String name) throws IOException {
    try (InputStream in = ArchitecturesTest.class.getResourceAsStream(name)) {
      return new JsonMapper().readTree(in);
    }
  }

  /** As src/test/python initializes them. */
  private static void initializeAdapter(TrainingProgram program) {
    for (int m = 0; m < program.adapter().matrices().length; m++) {
      FloatBuffer matrix = program.trained().get(m).asFloatBuffer();
      for (int i = 0; i < matrix.limit(); i++) {
        matrix.put(i, (float) ((m % 2 == 0 ? Math.sin(i) : Math.cos(i)) / 8));
      }
    }
  }

  /** Numbers made by src/test/python/make_trajectories.py: five steps of DPO. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma3_text",
        "gemma3_text_lora",
        "granite",
        "granite_lora",
        "smollm3",
        "smollm3_lora"
      })
  void theTrajectoryOfATrainingIsTransformers(String name) throws IOException {
    String architecture = name.replace("_lora", "");
    TrainingSettings.Builder settings = TrainingSettings.dpo().toBuilder();
    if (name.endsWith("_lora")) {
      settings.lora(LORA);
    }
    JsonNode golden = SmallModels.numbers(architecture + "/golden.json");
    TokenizedExample first = example(golden.path(0));
    int[] rejected = example(golden.path(1)).answers()[0];
    int[] backwards =
        IntStream.range(0, rejected.length).map(i -> rejected[rejected.length - 1 - i]).toArray();
    PackedMicroBatch pair =
        PackedMicroBatch.of(
            List.of(new TokenizedExample(0, 1, first.prompt(), first.answers()[0], backwards)));
    try (ModelFolder model =
            ModelFolder.open(SmallModels.write(folder.resolve("model"), architecture));
        TrainingProgram program =
            new TrainingProgram(
                model,
                new TrainingScript(model),
                settings.build(),
                false,
                TrainingDevice.CPU,
                64,
                1,
                1)) {
      program.prepareTraining();
      initializeAdapter(program);
      TrainingLoss loss = TrainingLoss.of(settings.build());
      double[] reference = program.score(pair);
      int step = 0;
      for (JsonNode expected : resource("trajectories.json").path(name)) {
        try (ForwardPass pass = program.forward(pair, 0)) {
          double[] sums = pass.logProbabilities();
          TrainingLoss.Value value =
              loss.value(
                  new TrainingLoss.Scores(sums, reference, pair.scoredTokens(), new double[] {1}),
                  1);
          assertIsClose(value.loss(), expected.path("loss").asDouble(), TRAJECTORY_TOLERANCE);
          assertIsClose(sums[0], expected.path("chosen").asDouble(), TRAJECTORY_TOLERANCE);
          assertIsClose(sums[1], expected.path("rejected").asDouble(), TRAJECTORY_TOLERANCE);
          pass.backward(value.gradients());
        }
        double norm = program.step(++step, 1e-3, 0, 0).gradientNorm();
        assertIsClose(norm, expected.path("gradient").asDouble(), TRAJECTORY_TOLERANCE);
      }
      assertThat(step).isEqualTo(5);
    }
  }

  @ParameterizedTest
  @MethodSource("adapted")
  void anAdaptersLogProbabilitiesAndGradientsArePefts(String name, TrainingDevice target)
      throws IOException {
    JsonNode expected = resource("adapters.json").path(name);
    TrainingSettings settings = TrainingSettings.sft().toBuilder().lora(LORA).build();
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        TrainingProgram program =
            new TrainingProgram(
                model, new TrainingScript(model), settings, false, target, 64, 1, 1)) {
      program.prepareTraining();
      initializeAdapter(program);
      JsonNode golden = SmallModels.numbers(name + "/golden.json");
      for (int i = 0; i < golden.size(); i++) {
        PackedMicroBatch batch = PackedMicroBatch.of(List.of(example(golden.path(i))));
        try (ForwardPass pass = program.forward(batch, 0)) {
          assertIsClose(
              pass.logProbabilities()[0], expected.path(i).path("log_probability").asDouble());
          pass.backward(new double[] {-1});
        }
        assertIsClose(
            program.step(1, 0, 0, 0).gradientNorm(), expected.path(i).path("gradient").asDouble());
        double base = golden.path(i).path("log_probability").asDouble();
        assertIsClose(program.reference(batch)[0], base);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("trained")
  void logProbabilitiesAndGradientsAreTransformers(
      String name, TrainingDevice target, boolean bf16) {
    double tolerance = bf16 ? BF16_TOLERANCE : TOLERANCE;
    JsonNode golden = SmallModels.numbers(name + "/golden.json");
    List<TokenizedExample> examples = new ArrayList<>();
    golden.forEach(numbers -> examples.add(example(numbers)));
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        TrainingProgram program =
            new TrainingProgram(
                model, new TrainingScript(model), TrainingSettings.sft(), bf16, target, 64, 1, 1)) {
      double[] together = program.score(PackedMicroBatch.of(examples));
      program.prepareTraining();
      for (int i = 0; i < golden.size(); i++) {
        double sum = golden.path(i).path("log_probability").asDouble();
        double gradient = golden.path(i).path("gradient").asDouble();
        assertIsClose(together[i], sum, tolerance);
        PackedMicroBatch alone = PackedMicroBatch.of(List.of(examples.get(i)));
        try (ForwardPass pass = program.forward(alone, 0)) {
          assertIsClose(pass.logProbabilities()[0], sum, tolerance);
          pass.backward(new double[] {-1});
        }
        assertIsClose(program.step(1, 0, 0, 0).gradientNorm(), gradient, tolerance);
      }
    }
  }

  /** To the last bit: the first step's own forward passes stand for the reference's. */
  @ParameterizedTest
  @CsvSource({"none,false", "none,true", "lora,false", "lora,true", "quantized,false"})
  void theFirstForwardPassOfATrainingIsTheReferences(String adapter, boolean bf16) {
    TrainingSettings.Builder settings = TrainingSettings.dpo().toBuilder();
    if (!adapter.equals("none")) {
      boolean quantized = adapter.equals("quantized");
      settings.lora(
          new TrainingSettings.Lora(4, 6, 0, TrainingSettings.Lora.ALL, false, quantized));
    }
    JsonNode golden = SmallModels.numbers("qwen3/golden.json");
    List<TokenizedExample> examples = new ArrayList<>();
    golden.forEach(numbers -> examples.add(example(numbers)));
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve("qwen3"), "qwen3"));
        TrainingProgram program =
            new TrainingProgram(
                model,
                new TrainingScript(model),
                settings.build(),
                bf16,
                TrainingDevice.CPU,
                64,
                2,
                1)) {
      PackedMicroBatch batch = PackedMicroBatch.of(examples);
      double[] reference = program.reference(batch);
      program.prepareTraining();
      try (ForwardPass pass = program.forward(batch, 1)) {
        assertThat(pass.logProbabilities()).isEqualTo(reference);
      }
    }
  }
}
