package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.openai.StubServer.Reply;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server may answer, and what becomes of it. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ServerAnswersTest {
  /** Every machine has it, and a header can have its value. */
  private static final String KEY = "PATH";

  private final StubServer stub = new StubServer();

  @AfterEach
  void stop() {
    stub.close();
  }

  private static GenerationRequest request(String id, Long... seeds) {
    return new GenerationRequest(
        new Prompt(id, List.of(new Message("system", "Be brief."), Message.user("ask " + id))),
        List.of(seeds),
        SamplingParameters.candidates(8).withStop("ok"));
  }

  private static List<GenerationRequest> requests(int count) {
    return IntStream.range(0, count).mapToObj(i -> request("p" + i, 1L, 2L)).toList();
  }

  private List<Generation> generate(List<GenerationRequest> requests, String... options) {
    List<Generation> found = new ArrayList<>();
    try (Generator generator = Opened.open(ServerKind.OTHER, stub, options)) {
      generator.generate(requests, found::add, new Cancellation());
    }
    return found;
  }

  private Candidate one(String change, String by) {
    stub.change = text -> text.replace(change, by);
    return generate(List.of(request("p", 5L))).get(0).candidates().get(0);
  }

  /** What an answer is refused with: one line that a person can read. */
  private String refused(Class<? extends AutodidactException> type, String... options) {
    Throwable thrown = catchThrowable(() -> generate(List.of(request("p", 5L)), options));
    assertThat(thrown).isExactlyInstanceOf(type);
    assertThat(thrown.getMessage()).hasLineCount(1).contains("localhost");
    return thrown.getMessage();
  }

  @Test
  void aRequestHasTheConversationAndHowToSample() {
    generate(List.of(request("p", 1L + (7L << 32))));
    assertThat(stub.bodies)
        .singleElement()
        .hasToString(
            "{\"model\":\"a-model\",\"messages\":[{\"role\":\"system\",\"content\":\"Be"
                + " brief.\"},{\"role\":\"user\",\"content\":\"ask p\"}],\"max_tokens\":8,"
                + "\"temperature\":0.7,\"top_p\":0.9,\"seed\":6,\"stop\":[\"ok\"],\"top_k\":-1,"
                + "\"min_p\":0.0,\"ignore_eos\":false,\"repetition_penalty\":1.0}");
  }

  /** OpenAI's own server refuses a word that it does not know. */
  @Test
  void aServerOfAnUnknownKindGetsNoWordBeyondTheInterface() {
    stub.owner = "somebody";
    generate(List.of(request("p", 1L)), "limit-name", "max-completion-tokens");
    assertThat(stub.bodies.get(0).fieldNames())
        .toIterable()
        .containsExactly(
            "model", "messages", "max_completion_tokens", "temperature", "top_p", "seed", "stop");
  }

  @Test
  void aSeedBecomesThirtyOneBits() {
    assertThat(ChatCompletions.folded(-1)).isZero();
    assertThat(ChatCompletions.folded(7)).isEqualTo(7);
    assertThat(ChatCompletions.folded(Long.MIN_VALUE)).isZero();
    assertThat(ChatCompletions.folded(-2)).isPositive();
  }

  @Test
  void finishReasonsAreTold() {
    Candidate plain = one("x", "x");
    assertThat(plain.tokenCount().orElseThrow()).isBetween(1, 8);
    assertThat(plain.logProbability()).isEmpty();
    assertThat(
            one("\"finish_reason\":\"", "\"finish_reason\":\"content_filter\",\"was\":\"")
                .finishReason())
        .isEqualTo(FinishReason.FILTERED);
    assertThat(
            one("\"finish_reason\":\"", "\"finish_reason\":\"length\",\"usage\":{},\"was\":\"")
                .finishReason())
        .isIn(FinishReason.MAX_TOKENS, FinishReason.CONTEXT_FULL);
    assertThat(
            one(
                    "\"stop_reason\":",
                    "\"finish_reason\":\"stop\",\"stop_reason\":\"ok\",\"was_stop\":")
                .finishReason())
        .isEqualTo(FinishReason.STOP_TEXT);
  }

  /** A server that does not say which stop it was: no end is learned that may not be one. */
  @Test
  void anUnknownStopIsAStopText() {
    Candidate unknown = one("\"stop_reason\":", "\"finish_reason\":\"stop\",\"other\":");
    assertThat(unknown.finishReason()).isEqualTo(FinishReason.STOP_TEXT);
  }

  @Test
  void aStopTextThatTheServerLetsPassEndsTheText() {
    Candidate cut = one("\"content\":\"", "\"content\":\"first ok ");
    assertThat(cut.text()).isEqualTo("first ");
    assertThat(cut.finishReason()).isEqualTo(FinishReason.STOP_TEXT);
    assertThat(cut.tokenCount()).isEmpty();
  }

  @Test
  void anAnswerWithoutContentIsEmpty() {
    stub.change = text -> text.replaceFirst("\"content\":\"[^\"]*\"", "\"content\":null");
    assertThat(generate(List.of(request("p", 5L))).get(0).candidates().get(0).text()).isEmpty();
  }

  @Test
  void logProbabilitiesAreSummedWhereTheyAreAskedFor() {
    assertThat(
            generate(List.of(request("p", 5L)), "log-probabilities", "true")
                .get(0)
                .candidates()
                .get(0)
                .logProbability()
                .orElseThrow())
        .isNegative();
  }

  @Test
  void logProbabilitiesThatAreAskedForAndMissingAreNamed() {
    stub.change = text -> text.replace("\"logprobs\"", "\"other\"");
    List<GenerationRequest> withoutStop =
        List.of(
            new GenerationRequest(
                Prompt.of("p", "ask"), List.of(5L), SamplingParameters.greedy(8)));
    assertThatThrownBy(() -> generate(withoutStop, "log-probabilities", "true"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("prompt 'p'")
        .hasMessageContaining("has no logprobs, which were asked for");
    try (Generator generator = Opened.open(ServerKind.VLLM, stub)) {
      assertThatThrownBy(() -> generator.generate(requests(1), g -> {}, new Cancellation()))
          .hasMessageContaining("has no logprobs, which were asked for");
    }
  }

  /** llama.cpp gives none for the tokens of a stop text. */
  @Test
  void logProbabilitiesOfSomeTokensAreNone() {
    stub.change = text -> text.replace("\"content\":[{", "\"content\":[{\"logprob\":-1},{");
    assertThat(
            generate(List.of(request("p", 5L)), "log-probabilities", "true")
                .get(0)
                .candidates()
                .get(0)
                .logProbability())
        .isEmpty();
    try (Generator generator = Opened.open(ServerKind.VLLM, stub)) {
      assertThatThrownBy(() -> generator.generate(requests(1), g -> {}, new Cancellation()))
          .hasMessageContaining("has logprobs of");
    }
  }

  @Test
  void anotherModelThanAskedIsRefused() {
    stub.change = text -> text.replace("\"a-model\"", "\"a-model-2024-08-06\"");
    assertThat(generate(List.of(request("p", 5L)))).hasSize(1);
    stub.change = text -> text.replace("\"a-model\"", "\"tiny\"");
    assertThat(refused(InvalidInputException.class))
        .contains("was asked for the model 'a-model' and answered by 'tiny'", "check-model");
    assertThat(generate(List.of(request("p", 5L)), "check-model", "false")).hasSize(1);
  }

  @Test
  void aModelThatTheServerHasNotIsRefusedAtOpening() {
    assertThatThrownBy(() -> Opened.open(ServerKind.OTHER, "big", stub))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("has no model 'big'; it has [a-model, judge]");
    assertThat(stub.requests).hasValue(0);
    Opened.open(ServerKind.OTHER, "big", stub, "model", "judge").close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"model\":\"a-model\",\"choices\":[]}|has no choice with a message",
        "{\"model\":\"a-model\"}|has no choice with a message",
        "{\"model\":\"a-model\",\"choices\":[{\"message\":{}}]}|has no choice with a message",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}|has no finish_reason that is known",
        "<html>Welcome \u001b[31m</html>|a page that is no JSON object, '<html>Welcome \\u001b[31m",
        "[1]|something that is no JSON object, '[1]'",
      })
  void aForeignAnswerIsRefusedInOneLine(String body, String message) {
    stub.instead = new Reply(200, body, "");
    assertThat(refused(InvalidInputException.class)).contains(message);
    assertThat(stub.requests).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "1000", "99999999999", "null", "\"a\""})
  void aTokenBeyondTheVocabularyIsRefused(String id) {
    stub.change = text -> text.replaceFirst("\"token_ids\":\\[", "\"token_ids\":[" + id + ",");
    try (Generator generator = Opened.open(ServerKind.VLLM, stub)) {
      assertThatThrownBy(() -> generator.generate(requests(1), g -> {}, new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("beyond the vocabulary");
    }
  }

  @Test
  void aServerWithoutTokenIdsIsRefused() {
    stub.change = text -> text.replace("token_ids", "other");
    try (Generator generator = Opened.open(ServerKind.VLLM, stub)) {
      assertThatThrownBy(() -> generator.generate(requests(1), g -> {}, new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("has no token_ids, which vLLM gives since 0.10.2");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"prompt_logprobs\"|\"other\"|has no prompt_logprobs for 14 tokens, which were asked for",
        "\"logprob\":|\"other\":|has no log-probability of the token",
        "\"choices\":[{|\"choices\":[{},{|has 3 choices of 2",
      })
  void aScoreRequestThatIsIgnoredIsNamed(String part, String by, String message) {
    stub.change = text -> text.replace(part, by);
    try (Generator generator = Opened.open(ServerKind.VLLM, stub)) {
      ScoringRequest request =
          new ScoringRequest(Prompt.of("p", "ask twice"), "", List.of("a", "b"), false);
      assertThatThrownBy(
              () ->
                  generator
                      .scorer()
                      .orElseThrow()
                      .score(List.of(request), s -> {}, new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("prompt 'p'")
          .hasMessageContaining(message);
    }
  }

  /** The stub's tokens are letters: 20 + 'a' is 117, and 1 closes a turn. */
  @Test
  void aScoreIsTheSumOfItsTokens() {
    List<Scoring> found = new ArrayList<>();
    Prompt prompt = Prompt.of("p", "ask");
    try (Generator generator = Opened.open(ServerKind.VLLM, stub)) {
      Scorer scorer = generator.scorer().orElseThrow();
      scorer.score(
          List.of(new ScoringRequest(prompt, "so ", List.of("a", "ab"), true)),
          found::add,
          new Cancellation());
      scorer.score(
          List.of(ScoringRequest.ofTokens(prompt, List.of(List.of(50, 7)))),
          found::add,
          new Cancellation());
      assertThat(scorer.rounding(9)).isEmpty();
    }
    assertThat(found.get(0))
        .isEqualTo(new Scoring("p", List.of(-1.17 - 0.01, -1.17 - 1.18 - 0.01), List.of(2, 3)));
    assertThat(found.get(1).logProbabilities().get(0)).isCloseTo(-0.57, within(1e-9));
  }

  @Test
  void moreTokensThanAskedForAreRefused() {
    stub.change =
        text -> text.replaceFirst("\"completion_tokens\":[0-9]+", "\"completion_tokens\":99");
    assertThat(refused(InvalidInputException.class)).contains("has 99 tokens of 8");
  }

  @ParameterizedTest
  @CsvSource({"400,maximum context length", "413,too large", "422,unprocessable", "302,elsewhere"})
  void aRequestThatIsRefusedIsNotSentAgain(int status, String body) {
    stub.instead = new Reply(status, body, "Location: http://elsewhere.example/");
    assertThat(refused(InvalidInputException.class))
        .contains("prompt 'p'", "/v1/chat/completions answered " + status, body);
    assertThat(stub.requests).hasValue(1);
  }

  @Test
  void aKeyThatIsRefusedIsNotSaid() {
    String secret = System.getenv(KEY);
    stub.instead = new Reply(401, "no such key: " + secret, "");
    Throwable thrown =
        catchThrowable(() -> generate(List.of(request("p", 5L)), "key", "${" + KEY + "}"));
    StringWriter trace = new StringWriter();
    thrown.printStackTrace(new PrintWriter(trace));
    assertThat(stub.keys).containsOnly("Bearer " + secret);
    assertThat(trace.toString())
        .contains("no such key: ***", "refuses the key")
        .doesNotContain(secret.substring(0, Math.min(12, secret.length())));
    stub.instead = new Reply(500, "for " + secret, "");
    thrown =
        catchThrowable(
            () -> generate(List.of(request("p", 5L)), "key", "${" + KEY + "}", "retries", "0"));
    trace = new StringWriter();
    thrown.printStackTrace(new PrintWriter(trace));
    assertThat(trace.toString()).contains("for ***").doesNotContain(secret);
    assertThatThrownBy(() -> generate(requests(1), "key", secret))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageNotContaining(secret)
        .hasMessageContaining("secret");
  }

  @Test
  void aServerThatWantsAKeySaysHow() {
    stub.instead = new Reply(401, "", "");
    assertThat(refused(InvalidInputException.class)).contains("it wants a key");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://a/v1",
        "localhost:8000",
        "http://",
        "http://u:pw@h/v1",
        "http://h/v1?k=pw",
        "pw\\"
      })
  void anAddressThatIsNoneIsRefused(String url) {
    assertThatThrownBy(() -> Opened.open(ServerKind.OTHER, stub, "url", url))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("url")
        .hasMessageNotContaining("pw");
  }

  @Test
  void nobodyThereIsSaid() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    assertThatThrownBy(
            () ->
                Opened.open(
                    ServerKind.OTHER, stub, "url", "http://localhost:" + port, "retries", "0"))
        .isInstanceOf(ServiceUnavailableException.class)
        .hasMessageContaining("http://localhost:" + port + "/models cannot be reached");
  }

  @Test
  void whatFailsIsSentAgainAndEveryPromptAnsweredOnce() {
    stub.fails = true;
    stub.slow = 5;
    List<Generation> found = generate(requests(100), "concurrency", "20");
    assertThat(found).hasSize(100);
    assertThat(stub.failures).hasValueGreaterThan(20);
    assertThat(stub.requests.get()).isEqualTo(200 + stub.failures.get());
    assertThat(stub.answered).hasSize(200).allSatisfy((k, v) -> assertThat(v).isEqualTo(1));
    assertThat(stub.most.get()).isBetween(5, 20);
  }

  @Test
  void whatWasAskedToComeBackWaits() {
    stub.instead = new Reply(429, "", "Retry-After: 2");
    long began = System.nanoTime();
    assertThat(refused(ServiceUnavailableException.class, "retries", "1"))
        .contains("answered 429, 2 times", "resuming goes on");
    assertThat(System.nanoTime() - began).isGreaterThan(2_000_000_000L);
  }

  @ParameterizedTest
  @CsvSource({"Retry-After: 86400,''", "Retry-After: 1,insufficient_quota"})
  void whatIsNotOverSoonIsNotWaitedFor(String header, String body) {
    stub.instead = new Reply(429, body, header);
    refused(ServiceUnavailableException.class);
    assertThat(stub.requests).hasValue(1);
  }

  @Test
  void aSlowAnswerIsGivenUp() {
    stub.slow = 5000;
    assertThat(refused(ServiceUnavailableException.class, "timeout", "1", "retries", "0"))
        .contains("did not answer within 1 seconds");
  }

  @Test
  void aBudgetEndsTheCallAfterWhatWasAnswered() {
    List<Generation> found = new ArrayList<>();
    try (Generator generator =
        Opened.open(ServerKind.OTHER, stub, "max-requests", "20", "concurrency", "4")) {
      assertThatThrownBy(() -> generator.generate(requests(30), found::add, new Cancellation()))
          .isInstanceOf(ServiceUnavailableException.class)
          .hasMessageContaining("max-requests 20: 20 requests, ");
    }
    assertThat(found).hasSizeBetween(8, 10);
    assertThat(stub.requests).hasValue(20);
    assertThatThrownBy(() -> generate(requests(30), "max-tokens", "50", "concurrency", "1"))
        .hasMessageContaining("max-tokens 50");
  }

  @Test
  void requestsAMinuteAreKept() {
    long began = System.nanoTime();
    generate(requests(5), "requests-per-minute", "600");
    assertThat(System.nanoTime() - began).isGreaterThan(800_000_000L);
  }

  @Test
  void whatIsCancelledClosesItsConnections() {
    stub.slow = 20_000;
    Cancellation cancellation = new Cancellation();
    try (Generator generator = Opened.open(ServerKind.OTHER, stub)) {
      Thread thread =
          new Thread(
              () -> {
                while (stub.requests.get() == 0) {
                  Thread.onSpinWait();
                }
                cancellation.cancel();
              });
      thread.start();
      long began = System.nanoTime();
      assertThatThrownBy(() -> generator.generate(requests(20), g -> {}, cancellation))
          .isInstanceOf(CancelledException.class);
      assertThat(System.nanoTime() - began).isLessThan(5_000_000_000L);
    }
  }

  @Test
  void whatWaitsToBeSentAgainIsCancelledAtOnce() {
    stub.instead = new Reply(503, "", "Retry-After: 300");
    Cancellation cancellation = new Cancellation();
    try (Generator generator = Opened.open(ServerKind.OTHER, stub)) {
      Thread thread =
          new Thread(
              () -> {
                while (stub.requests.get() < 4) {
                  Thread.onSpinWait();
                }
                cancellation.await(Duration.ofMillis(300));
                cancellation.cancel();
              });
      thread.start();
      long began = System.nanoTime();
      assertThatThrownBy(() -> generator.generate(requests(20), g -> {}, cancellation))
          .isInstanceOf(CancelledException.class);
      assertThat(System.nanoTime() - began).isLessThan(5_000_000_000L);
    }
  }

  @Test
  void openingIsCancelled() throws Exception {
    try (ServerSocket silent = new ServerSocket(0)) {
      Cancellation cancellation = new Cancellation();
      GeneratorContext context =
          new GeneratorContext(
              Checkpoint.reference("M0", "a-model"),
              ComputeSettings.automatic(),
              PartOptions.of(Map.of("url", "http://localhost:" + silent.getLocalPort() + "/v1")),
              Clock.systemDefaultZone(),
              cancellation);
      Thread thread =
          new Thread(
              () -> {
                cancellation.await(Duration.ofMillis(300));
                cancellation.cancel();
              });
      thread.start();
      long began = System.nanoTime();
      assertThatThrownBy(() -> new RemoteProvider(ServerKind.OTHER).open(context))
          .isInstanceOf(CancelledException.class);
      assertThat(System.nanoTime() - began).isLessThan(5_000_000_000L);
    }
  }
}
