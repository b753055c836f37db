package org.autodidact.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.Golden;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.decode.StepGenerator;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The graphs of a step and a prefill, on {@link TestDevice}, against PyTorch's numbers and the
 * CPU's own generator. A step sorts few tokens, so that it is often undecided and sorts all.
 */
class StepGoldenTest {
  private static JsonNode golden;
  private static final Map<Operators, StepGenerator> GENERATORS = new EnumMap<>(Operators.class);

  @BeforeAll
  static void open() {
    golden = Golden.numbers();
    for (Operators operators : TestDevice.operators()) {
      GENERATORS.put(
          operators,
          StepGenerator.open(
              ModelFolder.open(Golden.smollm2()),
              new StepGenerator.Place(
                  OrtLibrary.load(Optional.empty()),
                  TestDevice.device().name(),
                  TestDevice::open,
                  TestDevice.type(),
                  operators),
              new StepGenerator.Decoding(8, 5, 128),
              ComputeSettings.automatic(),
              false));
    }
  }

  @AfterAll
  static void close() {
    GENERATORS.values().forEach(StepGenerator::close);
  }

  static List<Operators> operators() {
    return TestDevice.operators();
  }

  private static Map<String, Generation> generate(
      Operators operators, List<GenerationRequest> requests) {
    Map<String, Generation> found = new HashMap<>();
    GENERATORS
        .get(operators)
        .generate(requests, g -> found.put(g.promptId(), g), new Cancellation());
    return found;
  }

  @ParameterizedTest
  @MethodSource("operators")
  void greedyTokensAreIdentical(Operators operators) {
    Assumptions.assumeTrue(TestDevice.isCpu(), "16 bits write other tokens in the long run");
    SamplingParameters greedy = SamplingParameters.greedy(32).withIgnoreEndOfText(true);
    List<GenerationRequest> all = new ArrayList<>();
    for (JsonNode prompt : golden.path("prompts")) {
      all.add(
          new GenerationRequest(
              Prompt.of("p" + all.size(), prompt.path("instruction").asText()),
              List.of(1L),
              greedy));
    }
    Map<String, Generation> found = generate(operators, all);
    for (int i = 0; i < all.size(); i++) {
      List<Integer> expected = new ArrayList<>();
      golden.path("prompts").path(i).path("greedy").forEach(t -> expected.add(t.asInt()));
      assertThat(found.get("p" + i).candidates().get(0).tokens()).isEqualTo(expected);
    }
  }

  /** Rows of all lengths and settings; they end at the end of text, at a stop text or when full. */
  @ParameterizedTest
  @MethodSource("operators")
  void candidatesAreThoseOfTheCpuGraph(Operators operators) {
    Assumptions.assumeTrue(TestDevice.isCpu(), "16 bits sample other tokens");
    List<SamplingParameters> settings =
        List.of(
            SamplingParameters.candidates(24),
            new SamplingParameters(9, 1.1, 40, 1, 0, 1, List.of(), false),
            new SamplingParameters(16, 0.9, 0, 0.95, 0.05, 1, List.of(" the"), false),
            new SamplingParameters(24, 1, 0, 1, 0, 1, List.of(), true),
            new SamplingParameters(12, 1.5, 60, 0.9, 0, 1, List.of(), false),
            new SamplingParameters(12, 0.8, 0, 1, 0.02, 1, List.of(), false),
            SamplingParameters.greedy(12));
    List<GenerationRequest> all = new ArrayList<>();
    for (JsonNode prompt : golden.path("prompts")) {
      int i = all.size();
      all.add(
          new GenerationRequest(
              Prompt.of("p" + i, prompt.path("instruction").asText()),
              List.of(10L + i, 20L + i, 30L + i),
              settings.get(i % settings.size())));
    }
    Map<String, Generation> found = generate(operators, all);
    try (CpuGenerator cpu =
        CpuGenerator.open(
            new Checkpoint("M0", Golden.smollm2()),
            new ComputeSettings(ComputeSettings.Precision.FP32, 0, 0))) {
      cpu.generate(
          all,
          expected -> {
            for (int k = 0; k < 3; k++) {
              Candidate a = expected.candidates().get(k);
              Candidate b = found.get(expected.promptId()).candidates().get(k);
              assertThat(b.tokens()).isEqualTo(a.tokens());
              assertThat(b.text()).isEqualTo(a.text());
              assertThat(b.finishReason()).isEqualTo(a.finishReason());
              assertThat(b.logProbability().orElseThrow())
                  .isCloseTo(a.logProbability().orElseThrow(), within(1e-3));
            }
          },
          new Cancellation());
    }
  }

  private static Map<String, Scoring> score(Operators operators, List<ScoringRequest> requests) {
    Map<String, Scoring> found = new HashMap<>();
    GENERATORS
        .get(operators)
        .scorer()
        .orElseThrow()
        .score(requests, s -> found.put(s.promptId(), s), new Cancellation());
    return found;
  }

  /** Of a digit's log-probability, in 16 bits unmeasured. */
  private static double tolerance(double fp32) {
    return TestDevice.isCpu() ? fp32 : 40 * fp32;
  }

  @ParameterizedTest
  @MethodSource("operators")
  void digitsInTheJudgePromptHaveTheSameProbability(Operators operators) throws Exception {
    String template = Files.readString(Golden.shared("golden/judge_prompt.txt"));
    List<String> digits = IntStream.range(0, 6).mapToObj(Integer::toString).toList();
    List<ScoringRequest> requests = new ArrayList<>();
    for (JsonNode j : golden.path("judge")) {
      String text =
          template
              .replace("{instruction}", j.path("instruction").asText())
              .replace("{response}", j.path("response").asText());
      requests.add(
          new ScoringRequest(Prompt.of("j" + requests.size(), text), "Score: ", digits, false));
    }
    Map<String, Scoring> found = score(operators, requests);
    for (int i = 0; i < requests.size(); i++) {
      for (int digit = 0; digit < 6; digit++) {
        assertThat(found.get("j" + i).logProbabilities().get(digit))
            .isCloseTo(
                golden.path("judge").path(i).path("digit_logprobs").path(digit).asDouble(),
                within(tolerance(2e-3)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("operators")
  void chosenAndRejectedHaveTheSameProbability(Operators operators) {
    List<ScoringRequest> requests = new ArrayList<>();
    for (JsonNode p : golden.path("preferences")) {
      requests.add(
          new ScoringRequest(
              Prompt.of("p" + requests.size(), p.path("instruction").asText()),
              "",
              List.of(p.path("chosen").asText(), p.path("rejected").asText()),
              true));
    }
    Map<String, Scoring> found = score(operators, requests);
    for (int i = 0; i < requests.size(); i++) {
      JsonNode expected = golden.path("preferences").path(i);
      Scoring scoring = found.get("p" + i);
      assertThat(scoring.tokens())
          .containsExactly(
              expected.path("chosen_tokens").asInt(), expected.path("rejected_tokens").asInt());
      assertThat(scoring.logProbabilities().get(0))
          .isCloseTo(expected.path("chosen_logp").asDouble(), within(tolerance(0.02)));
      assertThat(scoring.logProbabilities().get(1))
          .isCloseTo(expected.path("rejected_logp").asDouble(), within(tolerance(0.02)));
    }
  }
}
