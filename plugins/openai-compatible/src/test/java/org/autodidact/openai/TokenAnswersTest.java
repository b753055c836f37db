package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a server may answer to token ids, and what becomes of it. */
class TokenAnswersTest {
  private static final Prompt PROMPT = Prompt.of("p", "ask <|im_end|>");

  @TempDir static Path folder;
  private final StubServer stub = new StubServer();

  @AfterEach
  void stop() {
    stub.close();
  }

  private List<Candidate> generate(
      ServerKind kind, SamplingParameters sampling, String... options) {
    List<Generation> found = new ArrayList<>();
    try (Generator generator = Opened.handed(kind, stub, folder, options)) {
      stub.bodies.clear(); // what was asked at opening
      generator.generate(
          List.of(new GenerationRequest(PROMPT, List.of(1L, 2L, 3L, 4L, 5L, 6L), sampling)),
          found::add,
          new Cancellation());
    }
    assertThat(found.get(0).promptTokens()).isEqualTo(prompt());
    return found.get(0).candidates();
  }

  /** The prompt by the learner's own tokenizer, in which what somebody writes ends no turn. */
  private static List<Integer> prompt() {
    try (PromptEncoder encoder = PromptEncoder.open(folder.resolve("M1"))) {
      return Arrays.stream(encoder.prompt(PROMPT.messages())).boxed().toList();
    }
  }

  private static List<Integer> ids(JsonNode array) {
    List<Integer> ids = new ArrayList<>();
    array.forEach(id -> ids.add(id.intValue()));
    return ids;
  }

  /** The stub's tokens are letters, and 2 ends a turn; ln p is −id / 100. */
  @ParameterizedTest
  @EnumSource(names = {"VLLM", "SGLANG", "LLAMA_CPP"})
  void whatIsSampledIsWhatIsTold(ServerKind kind) {
    List<Candidate> found =
        generate(kind, new SamplingParameters(8, 1, 0, 1, 0, 1, List.of(), false));
    for (Candidate c : found) {
      boolean ends = c.tokens().get(c.tokens().size() - 1) == StubTokens.END;
      assertThat(c.finishReason())
          .isEqualTo(ends ? FinishReason.END_OF_TEXT : FinishReason.MAX_TOKENS);
      StringBuilder text = new StringBuilder();
      c.tokens().stream().filter(t -> t > 2).forEach(t -> text.append((char) (t - 3)));
      assertThat(c.text()).isEqualTo(text.toString());
      assertThat(c.logProbability().orElseThrow())
          .isCloseTo(-c.tokens().stream().mapToInt(t -> t).sum() / 100.0, within(1e-9));
    }
    assertThat(found.stream().map(Candidate::finishReason).distinct()).hasSize(2);
    JsonNode body = stub.bodies.get(0);
    assertThat(ids(body.path(kind == ServerKind.SGLANG ? "input_ids" : "prompt")))
        .isEqualTo(prompt());
    assertThat(stub.bodies).hasSize(6);
  }

  @ParameterizedTest
  @EnumSource(names = {"VLLM", "SGLANG", "LLAMA_CPP"})
  void oneRequestIsForAllCandidatesWhereItMayBe(ServerKind kind) {
    List<Candidate> found =
        generate(kind, SamplingParameters.candidates(8), "one-request-a-prompt", "true");
    assertThat(stub.bodies).hasSize(1);
    assertThat(found.stream().map(Candidate::tokens).distinct()).hasSizeGreaterThan(3);
    assertThat(found.stream().map(Candidate::seed)).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
  }

  @Test
  void chatHasOneRequestForAllCandidatesToo() {
    List<Generation> found = new ArrayList<>();
    GenerationRequest request =
        new GenerationRequest(PROMPT, List.of(1L, 2L, 3L), SamplingParameters.candidates(8));
    try (Generator generator =
        Opened.open(ServerKind.OTHER, stub, "one-request-a-prompt", "true")) {
      generator.generate(List.of(request), found::add, new Cancellation());
      assertThat(stub.bodies).singleElement();
      assertThat(stub.bodies.get(0).path("n").asInt()).isEqualTo(3);
      assertThat(found.get(0).candidates().stream().map(Candidate::text).distinct())
          .hasSizeGreaterThan(1);
      stub.change = text -> text.replace("\"choices\":[{", "\"choices\":[{},{");
      assertThatThrownBy(() -> generator.generate(List.of(request), found::add, new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContainingAll("has 4 choices of 3", "one-request-a-prompt");
    }
  }

  /** Its values are of another distribution there; they are scored where they are asked for. */
  @Test
  void sglangsLogProbabilitiesAfterTemperatureAreNotTheModels() {
    SamplingParameters warm = SamplingParameters.candidates(8);
    assertThat(generate(ServerKind.SGLANG, warm))
        .allSatisfy(c -> assertThat(c.logProbability()).isEmpty());
    assertThat(generate(ServerKind.SGLANG, warm, "log-probabilities", "true"))
        .allSatisfy(
            c ->
                assertThat(c.logProbability().orElseThrow())
                    .isCloseTo(-c.tokens().stream().mapToInt(t -> t).sum() / 100.0, within(1e-9)));
  }

  /** llama.cpp says none of a stop text's tokens, nor of one that only begins a character. */
  @Test
  void llamaCppsMissingLogProbabilitiesAreScored() {
    SamplingParameters stopped = SamplingParameters.candidates(40).withStop("f");
    assertThat(generate(ServerKind.LLAMA_CPP, stopped))
        .filteredOn(c -> c.finishReason() == FinishReason.STOP_TEXT)
        .isNotEmpty()
        .allSatisfy(c -> assertThat(c.logProbability()).isEmpty());
    assertThat(generate(ServerKind.LLAMA_CPP, stopped, "log-probabilities", "true"))
        .allSatisfy(
            c ->
                assertThat(c.logProbability().orElseThrow())
                    .isCloseTo(-c.tokens().stream().mapToInt(t -> t).sum() / 100.0, within(1e-9)));
    stub.change =
        text ->
            text.replaceFirst("\\{\"id\":\\d+,\"logprob\":[-.0-9]+,\"top_logprobs\":\\[]},", "");
    assertThat(generate(ServerKind.LLAMA_CPP, SamplingParameters.candidates(40)).get(0).tokens())
        .isNotEmpty();
  }

  /** A server that does not know the end of a turn goes on; what is kept ends there. */
  @Test
  void anEndThatTheServerDoesNotKnowEndsTheAnswer() {
    // an answer's second token is made the end
    stub.change =
        text ->
            text.replaceFirst("(\"tokens\":\\[\\d+,)\\d+", "$12")
                .replaceFirst("(\"id\":\\d+[^}]*},\\{\"id\":)\\d+", "$12");
    List<Candidate> found = generate(ServerKind.LLAMA_CPP, SamplingParameters.candidates(8));
    assertThat(found).anySatisfy(cut -> assertThat(cut.tokens()).hasSize(2));
    assertThat(found)
        .allSatisfy(
            cut -> {
              assertThat(cut.tokens()).hasSizeLessThanOrEqualTo(2).endsWith(StubTokens.END);
              assertThat(cut.finishReason()).isEqualTo(FinishReason.END_OF_TEXT);
              assertThat(cut.text()).hasSize(cut.tokens().size() - 1);
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "VLLM|\"token_ids\"|\"other\"|has no token ids, which were asked for",
        "VLLM|\"token_ids\":[|\"token_ids\":[9,|token ids and logprobs of",
        "VLLM|\"token_logprobs\"|\"other\"|token ids and logprobs of 0",
        "VLLM|\"token_logprobs\":[-|\"token_logprobs\":[-0.5,-|token ids and logprobs of",
        "VLLM|\"completion_tokens\":|\"completion_tokens\":9|tokens of the answers, expected",
        "VLLM|\"prompt_token_ids\":[|\"prompt_token_ids\":[1,|is to another prompt",
        "VLLM|\"finish_reason\":\"|\"finish_reason\":\"un|has no finish_reason that is known",
        "VLLM|\"choices\":[{|\"choices\":[{},{|has 2 choices of 1",
        "SGLANG|\"output_ids\"|\"other\"|has no token ids, which were asked for",
        "SGLANG|\"output_token_logprobs\"|\"other\"|has output_token_logprobs of 0 tokens",
        "SGLANG|\"output_ids\":[|\"output_ids\":[9,|tokens of the answer, expected",
        "SGLANG|\"prompt_tokens\":|\"prompt_tokens\":9|tokens of the prompt, expected",
        "SGLANG|\"type\":\"|\"type\":\"ab|has no finish_reason that is known",
        "LLAMA_CPP|\"tokens\"|\"other\"|has no token ids, which were asked for",
        "LLAMA_CPP|\"tokens_evaluated\":|\"tokens_evaluated\":9|tokens of the prompt, expected",
        "LLAMA_CPP|\"tokens_predicted\":|\"tokens_predicted\":9|tokens of the answer, expected",
        "LLAMA_CPP|\"tokens\":[|\"tokens\":[9,|tokens of the answer, expected",
        "LLAMA_CPP|\"stop_type\":\"|\"stop_type\":\"un|has no stop_type that is known",
        "LLAMA_CPP|\"id\":|\"id\":9|has log-probabilities of other tokens than its own",
        "LLAMA_CPP|\"logprob\":-|\"logprob\":\"\",\"b\":-|has a log-probability that is no number",
      })
  void whatIsNotWhatWasAskedForIsNamed(ServerKind kind, String part, String by, String message) {
    try (Generator generator = Opened.handed(kind, stub, folder)) {
      stub.change = text -> text.replace(part, by);
      assertThatThrownBy(() -> generateOne(generator))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContainingAll("prompt 'p'", "localhost", kind.generatorName(), message);
    }
  }

  private static void generateOne(Generator generator) {
    generator.generate(
        List.of(new GenerationRequest(PROMPT, List.of(1L), SamplingParameters.candidates(8))),
        g -> {},
        new Cancellation());
  }

  @ParameterizedTest
  @EnumSource(names = {"VLLM", "SGLANG", "LLAMA_CPP"})
  void anIdBeyondTheVocabularyIsNamed(ServerKind kind) {
    try (Generator generator = Opened.handed(kind, stub, folder)) {
      stub.change =
          text ->
              text.replaceFirst("(\"(?:output_ids|tokens|token_ids)\":\\[)\\d+", "$1259")
                  .replaceFirst("(\"output_token_logprobs\":\\[\\[[-.0-9]+,)\\d+", "$1259")
                  .replaceFirst("(\"id\":)\\d+", "$1259");
      assertThatThrownBy(() -> generateOne(generator))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContainingAll("prompt 'p'", "token id 259", "beyond the vocabulary of 259");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"VLLM", "SGLANG", "LLAMA_CPP"})
  void whatFailsOrIsCutIsSentAgainAndAnsweredOnce(ServerKind kind) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      requests.add(
          new GenerationRequest(
              Prompt.of("p" + i, "ask " + i), List.of(1L, 2L), SamplingParameters.candidates(8)));
    }
    List<Generation> found = new ArrayList<>();
    try (Generator generator = Opened.handed(kind, stub, folder, "concurrency", "20")) {
      stub.requests.set(0);
      stub.fails = true;
      generator.generate(requests, found::add, new Cancellation());
      assertThat(generator.usage().requests()).isEqualTo(1 + stub.requests.get());
    }
    assertThat(found).hasSize(40);
    assertThat(stub.failures).hasValueGreaterThan(7);
    assertThat(stub.requests.get()).isEqualTo(80 + stub.failures.get());
  }

  /** What is trained would go on where the answer ended. */
  @Test
  void anEndThatIsKeptBackIsNamed() {
    try (Generator generator = Opened.handed(ServerKind.SGLANG, stub, folder)) {
      stub.change = text -> text.replaceAll("\"type\":\"length\"", "\"type\":\"stop\"");
      assertThatThrownBy(
              () ->
                  generator.generate(
                      List.of(
                          new GenerationRequest(
                              PROMPT,
                              List.of(1L, 2L, 3L),
                              SamplingParameters.candidates(8).withIgnoreEndOfText(true))),
                      g -> {},
                      new Cancellation()))
          .hasMessageContainingAll("ended of itself", "keeps the end back");
    }
  }

  @Test
  void aServerWithoutTokenIdsIsRefusedAtOpening() {
    stub.change = text -> text.replace("token_ids", "other");
    assertThatThrownBy(() -> Opened.handed(ServerKind.VLLM, stub, folder))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("has no token ids, which were asked for", "localhost");
    assertThat(stub.requests).hasValue(1);
  }

  private static Scoring score(Generator generator, ScoringRequest request) {
    List<Scoring> found = new ArrayList<>();
    generator.scorer().orElseThrow().score(List.of(request), found::add, new Cancellation());
    return found.get(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"VLLM", "SGLANG", "LLAMA_CPP"})
  void aScoreIsTheSumOfItsTokens(ServerKind kind) {
    try (Generator generator = Opened.handed(kind, stub, folder, "rounding", "0.01")) {
      // 'a' is 100, 'b' is 101; 2 and the line's end, 13, close a turn
      Scoring found = score(generator, new ScoringRequest(PROMPT, "so ", List.of("a", "ab"), true));
      List<Integer> tokens = found.tokens();
      assertThat(found.logProbabilities().get(1) - found.logProbabilities().get(0))
          .isCloseTo(-1.01, within(1e-9));
      assertThat(tokens.get(1)).isEqualTo(tokens.get(0) + 1);
      assertThat(
              score(generator, ScoringRequest.ofTokens(PROMPT, List.of(List.of(50, 7))))
                  .logProbabilities()
                  .get(0))
          .isCloseTo(-0.57, within(1e-9));
      assertThat(generator.scorer().orElseThrow().rounding(9)).hasValue(0.01);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "SGLANG|\"input_token_logprobs\"|\"other\"|has input_token_logprobs of 0 tokens, expected 2",
        "SGLANG|,100,null|,99,null|has no log-probability of the token 100",
        "SGLANG|[-1|[\"x\",-1|has no log-probability of the token 100",
        "LLAMA_CPP|\"tokens\":[100]|\"tokens\":[99]|has log-probabilities of other tokens",
        "LLAMA_CPP|\"tokens\":[100]|\"tokens\":[]|has no token ids, which were asked for",
      })
  void aScoreRequestThatIsIgnoredIsNamed(ServerKind kind, String part, String by, String message) {
    try (Generator generator = Opened.handed(kind, stub, folder)) {
      stub.change = text -> text.replace(part, by);
      assertThatThrownBy(
              () -> score(generator, new ScoringRequest(PROMPT, "", List.of("a"), false)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContainingAll("prompt 'p'", kind.generatorName(), message);
    }
  }

  @Test
  void aTokenThatIsNotForcedIsNamed() {
    try (Generator generator = Opened.handed(ServerKind.LLAMA_CPP, stub, folder)) {
      stub.change = text -> text.replace("[100]", "[99]").replace("\"id\":100", "\"id\":99");
      assertThatThrownBy(
              () -> score(generator, new ScoringRequest(PROMPT, "", List.of("a"), false)))
          .hasMessageContaining("has [99] where logit_bias forces the token 100");
    }
  }

  /** Its ids would be learned as other words. */
  @Test
  void anotherModelsTokenizerIsRefused() {
    Path learner = folder.resolve("learner");
    if (Files.notExists(learner)) {
      TinyModel.write(learner, 1);
    }
    GeneratorContext context =
        new GeneratorContext(
            new Checkpoint("M1", learner),
            ComputeSettings.automatic(),
            PartOptions.of(Map.of("url", stub.url(), "model", "judge")),
            Clock.systemDefaultZone(),
            new Cancellation());
    assertThatThrownBy(() -> new RemoteProvider(ServerKind.VLLM).open(context))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("'judge'", "another tokenizer", "'openai-compatible'");
    new RemoteProvider(ServerKind.OTHER).open(context).close();
    try (PromptEncoder encoder = PromptEncoder.open(learner)) {
      stub.change =
          text ->
              "{\"tokens\":" + Arrays.toString(encoder.text(RemoteProvider.TOKENIZER_PROBE)) + "}";
      new RemoteProvider(ServerKind.VLLM).open(context).close();
    }
  }
}
