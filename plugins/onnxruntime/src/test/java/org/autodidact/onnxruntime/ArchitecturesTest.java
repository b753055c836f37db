package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.graph.GraphSession;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each architecture against transformers' numbers for a small random checkpoint. */
class ArchitecturesTest {
  /** Of the highest logit. */
  private static final double TOLERANCE = 1e-3;

  @TempDir Path folder;

  /** A prompt and transformers' numbers; {@code text} where the ids are made of one. */
  record Prompt(String text, int[] ids, double[] logits, List<Integer> greedy) {

    /** The largest difference of a logit, in highest logits. */
    double difference(float[] found) {
      double scale = Arrays.stream(logits).map(Math::abs).max().orElseThrow();
      return IntStream.range(0, found.length)
              .mapToDouble(t -> Math.abs(found[t] - logits[t]))
              .max()
              .orElseThrow()
          / scale;
    }
  }

  private ModelFolder open(String name) {
    return ModelFolder.open(SmallModels.write(folder.resolve(name), name));
  }

  /** From a file below architectures/. */
  static List<Prompt> golden(String file) throws Exception {
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode p : SmallModels.numbers(file)) {
      double[] logits = new double[p.path("logits").size()];
      Arrays.setAll(logits, i -> p.path("logits").path(i).asDouble());
      prompts.add(
          new Prompt(
              p.path("text").asText(),
              ints(p.path("ids")),
              logits,
              Arrays.stream(ints(p.path("greedy"))).boxed().toList()));
    }
    return prompts;
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.path(i).asInt()).toArray();
  }

  /** Greedy tokens of prompts that decode together; the first step's logits go to {@code first}. */
  static List<List<Integer>> greedy(
      OrtDecoder decoder, List<Prompt> prompts, int tokens, List<float[]> first) {
    int rows = prompts.size();
    int[] lengths = prompts.stream().mapToInt(p -> p.ids().length).toArray();
    int width = Arrays.stream(lengths).max().orElseThrow();
    long[] ids = new long[rows * width];
    long[] wanted = new long[rows];
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < lengths[r]; i++) {
        ids[r * width + i] = prompts.get(r).ids()[i];
      }
      wanted[r] = (long) r * width + lengths[r] - 1;
    }
    int[] positions = new int[rows];
    float[] inverse = new float[rows];
    Arrays.fill(inverse, 1);
    List<List<Integer>> found =
        IntStream.range(0, rows).<List<Integer>>mapToObj(r -> new ArrayList<>()).toList();
    try (DecoderSession session = new GraphSession(decoder, false)) {
      session.cache().layOut(rows, width + tokens);
      for (int step = 0; step < tokens; step++) {
        DecoderSession.Logits logits =
            session.run(
                new DecoderSession.Input(
                    session.cache(),
                    0,
                    ids,
                    ids.length / rows,
                    lengths.clone(),
                    positions,
                    wanted,
                    inverse,
                    Optional.empty()));
        positions = lengths.clone();
        ids = new long[rows];
        for (int r = 0; r < rows; r++) {
          float[] row = new float[decoder.config().vocabularySize()];
          logits.copyLogits(r, row);
          if (step == 0) {
            first.add(row);
          }
          int best = IntStream.range(0, row.length).reduce(0, (a, b) -> row[b] > row[a] ? b : a);
          found.get(r).add(best);
          ids[r] = best;
          lengths[r]++;
        }
        wanted = IntStream.range(0, rows).asLongStream().toArray();
      }
    }
    return found;
  }

  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void logitsAndGreedyTokensAreTransformers(String name) throws Exception {
    List<Prompt> prompts = golden(name + "/golden.json");
    try (ModelFolder model = open(name);
        OrtDecoder decoder =
            new OrtDecoder(model, 2, Optional.empty(), false, model.config().contextLength())) {
      List<float[]> first = new ArrayList<>();
      List<List<Integer>> expected = prompts.stream().map(Prompt::greedy).toList();
      List<List<Integer>> together = greedy(decoder, prompts, 16, first);
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(prompts.get(i).difference(first.get(i)))
            .as("prompt %d", i)
            .isLessThan(TOLERANCE);
        assertThat(greedy(decoder, List.of(prompts.get(i)), 16, new ArrayList<>()).get(0))
            .isEqualTo(expected.get(i));
      }
      assertThat(together).isEqualTo(expected);
    }
  }

  /** As transformers 5 and 4 name the text's tensors where there are pictures. */
  @ParameterizedTest
  @ValueSource(strings = {"model.language_model.", "language_model.model."})
  void textOfGemmaWithPicturesIsTheSame(String prefix) throws Exception {
    Path path = SmallModels.write(folder.resolve("pictures"), "gemma3_text");
    Files.writeString(
        path.resolve("config.json"),
        "{\"model_type\": \"gemma3\", \"eos_token_id\": 2, \"text_config\": "
            + Files.readString(path.resolve("config.json"))
            + "}");
    ByteBuffer weights =
        ByteBuffer.wrap(Files.readAllBytes(path.resolve("model.safetensors")))
            .order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) weights.getLong()];
    weights.get(header);
    byte[] renamed =
        new String(header, StandardCharsets.UTF_8)
            .replace("\"model.", "\"" + prefix)
            .getBytes(StandardCharsets.UTF_8);
    Files.write(
        path.resolve("model.safetensors"),
        ByteBuffer.allocate(Long.BYTES + renamed.length + weights.remaining())
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(renamed.length)
            .put(renamed)
            .put(weights)
            .array());
    Prompt prompt = golden("gemma3_text/golden.json").get(0);
    try (ModelFolder model = ModelFolder.open(path);
        OrtDecoder decoder =
            new OrtDecoder(model, 1, Optional.empty(), false, model.config().contextLength())) {
      assertThat(greedy(decoder, List.of(prompt), 16, new ArrayList<>()))
          .isEqualTo(List.of(prompt.greedy()));
    }
  }

  /** As the scorer prefills what follows a prompt; windows reach back into the cached tokens. */
  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void aPromptInTwoPartsHasTheSameLogits(String name) throws Exception {
    try (ModelFolder model = open(name);
        OrtDecoder decoder =
            new OrtDecoder(model, 1, Optional.empty(), false, model.config().contextLength());
        DecoderSession session = new GraphSession(decoder, false)) {
      for (Prompt prompt : golden(name + "/golden.json")) {
        int[] ids = prompt.ids();
        for (int cut : new int[] {1, 6, ids.length - 1}) {
          session.cache().layOut(1, ids.length);
          session.run(
              DecoderSession.Input.ofPrompt(
                  session.cache(), 0, Arrays.copyOf(ids, cut), 0, new int[] {0}, 1));
          float[] row = new float[decoder.config().vocabularySize()];
          session
              .run(
                  DecoderSession.Input.ofPrompt(
                      session.cache(), 0, ids, cut, new int[] {ids.length - 1}, 1))
              .copyLogits(0, row);
          assertThat(prompt.difference(row)).as("cut at %d", cut).isLessThan(TOLERANCE);
        }
      }
    }
  }

  /** Rotated and quantized, with weights that are exact on any processor. */
  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void eightBitsGiveNearlyTheSame(String name) throws Exception {
    Random random = new Random(3);
    List<Prompt> prompts = new ArrayList<>();
    for (int tokens = 3; tokens < 43; tokens++) {
      prompts.add(new Prompt("", random.ints(tokens, 3, 253).toArray(), new double[0], List.of()));
    }
    try (ModelFolder model = open(name);
        Int8Weights quantized = Int8Weights.of(model, false, 2, new Cancellation());
        OrtDecoder exact =
            new OrtDecoder(model, 2, Optional.empty(), false, model.config().contextLength());
        OrtDecoder decoder =
            new OrtDecoder(
                model, 2, Optional.of(quantized), false, model.config().contextLength())) {
      List<float[]> expected = new ArrayList<>();
      List<float[]> found = new ArrayList<>();
      greedy(exact, prompts, 1, expected);
      greedy(decoder, prompts, 1, found);
      double kl = 0;
      double off = 0;
      double all = 0;
      for (int i = 0; i < prompts.size(); i++) {
        kl += QualityTest.divergence(expected.get(i), found.get(i)) / prompts.size();
        for (int t = 0; t < expected.get(i).length; t++) {
          double logit = expected.get(i)[t];
          off += (found.get(i)[t] - logit) * (found.get(i)[t] - logit);
          all += logit * logit;
        }
      }
      double relative = Math.sqrt(off / all);
      System.out.printf(
          "%s in 8 bits: first-token KL %.6f nats, logits off by %.4f of their size%n",
          name, kl, relative);
      assertThat(kl).isLessThan(0.015);
      // A window longer by one moves them by 0.15 and more, as does a scale left out.
      assertThat(relative).isLessThan(0.11);
    }
  }

  /** The small checkpoints attend with 32 numbers. */
  @Test
  void weightBlocksAreRefusedWithTheReason() {
    try (ModelFolder model = open("qwen3")) {
      assertThatThrownBy(() -> BlockInt8Weights.of(model, new Cancellation()))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("width in no multiple of 64")
          .hasMessageContaining("use int8 or fp32");
    }
  }

  @Test
  void eightBitsAreRefusedWithTheReason() throws Exception {
    Path path = folder.resolve("odd");
    try (ModelFolder model = open("qwen2")) {
      Map<String, WeightSource> weights = new LinkedHashMap<>();
      for (TensorInfo tensor : model.tensors().values()) {
        List<Long> shape =
            tensor.shape().stream()
                .map(d -> tensor.name().contains(".mlp.") && d == 32 ? 40L : d)
                .toList();
        int elements = shape.stream().mapToInt(Long::intValue).reduce(1, (a, b) -> a * b);
        weights.put(
            tensor.name(), new WeightSource(shape, () -> ByteBuffer.allocate(4 * elements)));
      }
      model.writeWithWeights(path, weights, Map.of());
    }
    Path config = path.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replaceFirst("\"intermediate_size\" : 32", "\"intermediate_size\" : 40"));
    try (ModelFolder model = ModelFolder.open(path)) {
      assertThat(Int8Weights.CAPABILITIES.missing(model.config()))
          .containsExactly(ModelFeature.INTERMEDIATE_SIZE_NOT_MULTIPLE_OF_32);
      assertThatThrownBy(() -> Int8Weights.of(model, true, 1, new Cancellation()))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("an intermediate size in no multiple of 32")
          .hasMessageContaining("use fp32");
      // A run asks before it does any work.
      GeneratorProvider provider = new OnnxRuntimePlugin().generators().get(0);
      Checkpoint checkpoint = new Checkpoint("M0", path);
      provider.check(new GeneratorContext(checkpoint, ComputeSettings.automatic()));
      for (ComputeSettings.Precision precision :
          List.of(ComputeSettings.Precision.INT8, ComputeSettings.Precision.BF16)) {
        assertThatThrownBy(
                () ->
                    provider.check(
                        new GeneratorContext(checkpoint, new ComputeSettings(precision, 1, 0))))
            .isInstanceOf(UnsupportedModelException.class);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2_window", "mistral", "gemma3_text", "smollm3"})
  void promptsAreNotSharedUnderAWindow(String name) throws Exception {
    try (ModelFolder model = open(name)) {
      assertThatThrownBy(
              () ->
                  new OrtDecoder(model, 1, Optional.empty(), true, model.config().contextLength()))
          .isInstanceOf(UnsupportedModelException.class)
          .hasMessageContaining("sharing of prompts");
    }
  }

  /** Eight candidates read one prompt in 8 bits, which is shared where there is no window. */
  @ParameterizedTest
  @MethodSource("org.autodidact.checkpoints.SmallModels#names")
  void candidatesOfOnePromptAgreeInEightBits(String name) {
    Checkpoint checkpoint = new Checkpoint("M0", SmallModels.write(folder.resolve(name), name));
    ComputeSettings settings = new ComputeSettings(ComputeSettings.Precision.INT8, 2, 0);
    try (CpuGenerator generator = CpuGenerator.open(checkpoint, settings)) {
      assertThat(generator.backend().sharesPrefixes()).isEqualTo(name.matches("qwen.|granite"));
      GenerationRequest request =
          new GenerationRequest(
              org.autodidact.api.Prompt.of("p", "name"),
              LongStream.range(0, 8).boxed().toList(),
              SamplingParameters.greedy(8).withIgnoreEndOfText(true));
      List<Candidate> candidates =
          Asked.generate(generator, List.of(request)).get("p").candidates();
      assertThat(candidates).extracting(Candidate::tokens).containsOnly(candidates.get(0).tokens());
    }
  }

  /** With norms of queries and keys too. */
  @ParameterizedTest
  @ValueSource(strings = {"qwen2", "qwen3"})
  void aSharedPromptGivesTheSameTokens(String name) {
    Checkpoint checkpoint = new Checkpoint("M0", SmallModels.write(folder.resolve(name), name));
    ComputeSettings settings = new ComputeSettings(ComputeSettings.Precision.FP32, 2, 0);
    GenerationRequest request =
        new GenerationRequest(
            org.autodidact.api.Prompt.of("p", "name"),
            LongStream.range(0, 8).boxed().toList(),
            SamplingParameters.candidates(8).withIgnoreEndOfText(true));
    try (CpuGenerator shared =
            CpuGenerator.open(new GeneratorContext(checkpoint, settings), true, false);
        CpuGenerator alone =
            CpuGenerator.open(new GeneratorContext(checkpoint, settings), false, false)) {
      List<Candidate> expected = Asked.generate(alone, List.of(request)).get("p").candidates();
      assertThat(Asked.generate(shared, List.of(request)).get("p").candidates())
          .extracting(Candidate::tokens)
          .isEqualTo(expected.stream().map(Candidate::tokens).toList());
    }
  }
}
