package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.PartOptions;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.autodidact.conformance.JudgeRules;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a reward model that gives each token a worth of its own and adds them up. */
class RewardModelJudgeTest {
  private static final int VOCABULARY = 400;

  @TempDir Path folder;

  private static float[] worths(int width) {
    Random random = new Random(7);
    float[] worths = new float[VOCABULARY * width];
    for (int i = 0; i < worths.length; i++) {
      worths[i] = (float) random.nextGaussian() / 9;
    }
    return worths;
  }

  /** logits[b, w] = Σ_t worth[ids[b, t], w] · mask[b, t], and as much of the types where asked. */
  private Path write(String name, int width, boolean types) {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("input_ids", DataType.INT64, "b", "t");
    graph.input("attention_mask", DataType.INT64, "b", "t");
    graph.floats("worths", worths(width), VOCABULARY, width);
    String worth = graph.node("Gather", List.of("worths", "input_ids"));
    String mask =
        graph.node(
            "Cast",
            List.of("attention_mask"),
            OnnxGraphBuilder.attribute("to", DataType.FLOAT_VALUE));
    if (types) {
      graph.input("token_type_ids", DataType.INT64, "b", "t");
      String type =
          graph.node(
              "Cast",
              List.of("token_type_ids"),
              OnnxGraphBuilder.attribute("to", DataType.FLOAT_VALUE));
      mask = graph.node("Add", List.of(mask, type));
    }
    graph.longs("last", 2);
    graph.longs("first", 1);
    String column = graph.node("Unsqueeze", List.of(mask, "last"));
    String weighted = graph.node("Mul", List.of(worth, column));
    graph.node(
        "",
        "ReduceSum",
        List.of(weighted, "first"),
        List.of("logits"),
        OnnxGraphBuilder.attribute("keepdims", 0));
    graph.output("logits", DataType.FLOAT, "b", width);
    Path model = TinyModel.write(folder.resolve(name), 3);
    try {
      Files.write(model.resolve("model.onnx"), graph.toModel());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return model;
  }

  private static Judge open(Optional<Path> model) {
    Generator unused =
        new Generator() {
          @Override
          public void generate(
              List<GenerationRequest> requests, Consumer<Generation> to, Cancellation c) {
            throw new AssertionError("a reward model asks no generator");
          }

          @Override
          public void close() {}
        };
    return RewardModelJudge.PROVIDER.open(
        new JudgeContext(
            unused,
            SamplingParameters.greedy(1),
            Optional.empty(),
            List.of(),
            model,
            PartOptions.none()));
  }

  @Nested
  class ItKeepsTheRules extends JudgeRules {
    @Override
    protected Judge open() {
      return RewardModelJudgeTest.open(Optional.of(write("rules", 1, false)));
    }
  }

  private static double score(Judge judge, String instruction, String response) {
    Map<String, Judgement> found = new HashMap<>();
    judge.judge(
        List.of(new JudgementRequest("a", instruction, response, List.of(1L))),
        j -> found.put(j.id(), j),
        new Cancellation());
    return found.get("a").score().orElseThrow();
  }

  private static double expected(long[] ids) {
    float[] worths = worths(1);
    return 5 / (1 + Math.exp(-Arrays.stream(ids).mapToDouble(i -> worths[(int) i]).sum()));
  }

  @Test
  void aScoreIsFiveTimesTheSigmoidOfTheLogit() {
    Path model = write("one", 1, false);
    try (Judge judge = open(Optional.of(model));
        PromptEncoder encoder = PromptEncoder.open(model)) {
      assertThat(score(judge, "Say.", "so"))
          .isCloseTo(expected(encoder.exchange("Say.", "so")[0]), within(1e-5));
    }
  }

  @Test
  void withoutAChatTemplateItReadsAPairOfTexts() throws Exception {
    Path model = write("pair", 1, true);
    Files.writeString(model.resolve("tokenizer_config.json"), "{}");
    Files.deleteIfExists(model.resolve("chat_template.jinja"));
    try (Judge judge = open(Optional.of(model));
        PromptEncoder encoder = PromptEncoder.open(model)) {
      long[][] tokens = encoder.exchange("abc", "de");
      assertThat(tokens[1]).containsExactly(0, 0, 0, 1, 1);
      long[] weighted = new long[tokens[0].length + 2];
      System.arraycopy(tokens[0], 0, weighted, 0, tokens[0].length);
      System.arraycopy(tokens[0], 3, weighted, tokens[0].length, 2);
      assertThat(score(judge, "abc", "de")).isCloseTo(expected(weighted), within(1e-5));
    }
  }

  @Test
  void whatIsTooLongIsCutAtItsEnd() throws Exception {
    Path model = write("short", 1, false);
    Files.writeString(model.resolve("config.json"), "{\"max_position_embeddings\": 40}");
    try (Judge judge = open(Optional.of(model))) {
      assertThat(score(judge, "Say.", "x".repeat(500)))
          .isEqualTo(score(judge, "Say.", "x".repeat(600)))
          .isNotEqualTo(score(judge, "Say.", "y".repeat(500)));
    }
  }

  @Test
  void whatIsNoRewardModelIsRefused() {
    assertThatThrownBy(() -> open(Optional.empty()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("judge.model");
    assertThatThrownBy(() -> open(Optional.of(folder)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("model.onnx: there is no such file");
    assertThatThrownBy(() -> open(Optional.of(write("three", 3, false))))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("one logit a text")
        .hasMessageContaining("[-1, 3]");
  }

  @Test
  void aDamagedModelIsNamed() throws Exception {
    Path model = write("damaged", 1, false);
    Files.writeString(model.resolve("model.onnx"), "no graph");
    assertThatThrownBy(() -> open(Optional.of(model)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("ONNX Runtime cannot open it");
  }
}
