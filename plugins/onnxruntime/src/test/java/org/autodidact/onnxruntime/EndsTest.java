package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.gpu.GpuGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers end where the template closes a turn, and at stop texts, by each way of computing. */
class EndsTest {
  private static final int END_OF_TURN = 2;
  private static final int MOST = 400;

  @TempDir Path folder;

  /** A model whose config.json knows another end than its template. */
  private Path model(String closing) throws Exception {
    Path model = TinyModel.write(folder.resolve("m"), 5);
    rewrite(model.resolve("config.json"), "\"eos_token_id\":2", "\"eos_token_id\":0");
    rewrite(model.resolve("chat_template.jinja"), "'<|im_end|>'", "'" + closing + "'");
    return model;
  }

  private static void rewrite(Path file, String from, String to) throws Exception {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private Generator open(String where, Path model) {
    Checkpoint checkpoint = new Checkpoint("M0", model);
    return switch (where) {
      case "device" ->
          GpuGenerator.open(
              new GeneratorContext(checkpoint, ComputeSettings.automatic()),
              TestDevice.in(folder.resolve("engines")));
      case "int8" ->
          CpuGenerator.open(checkpoint, new ComputeSettings(ComputeSettings.Precision.INT8, 2, 64));
      default ->
          CpuGenerator.open(checkpoint, new ComputeSettings(ComputeSettings.Precision.FP32, 2, 64));
    };
  }

  private static SamplingParameters sampling(List<String> stop) {
    return new SamplingParameters(MOST, 1, 0, 1, 0, 1, stop, false);
  }

  private static List<Candidate> answers(Generator generator, List<String> stop) {
    List<Candidate> found = new ArrayList<>();
    generator.generate(
        List.of(
            new GenerationRequest(
                Prompt.of("p", "Say."), LongStream.range(0, 24).boxed().toList(), sampling(stop))),
        g -> found.addAll(g.candidates()),
        new Cancellation());
    return found;
  }

  @ParameterizedTest
  @ValueSource(strings = {"fp32", "int8", "device"})
  void theTemplatesEndOfTurnEndsAnAnswer(String where) throws Exception {
    try (Generator generator = open(where, model("<|im_end|>"))) {
      List<Candidate> answers = answers(generator, List.of());
      assertThat(answers)
          .allSatisfy(
              a -> {
                List<Integer> before = a.tokens().subList(0, a.tokens().size() - 1);
                assertThat(before).doesNotContain(0, END_OF_TURN);
              });
      assertThat(answers)
          .filteredOn(a -> a.tokens().get(a.tokens().size() - 1) == END_OF_TURN)
          .isNotEmpty()
          .extracting(Candidate::finishReason)
          .containsOnly(FinishReason.END_OF_TEXT);
    }
  }

  /**
   * Ordinary text closes the turn; it is no part of the answer, and its tokens are sampled ones.
   */
  @ParameterizedTest
  @ValueSource(strings = {"fp32", "int8", "device"})
  void textThatClosesATurnEndsAnAnswer(String where) throws Exception {
    try (Generator generator = open(where, model("#"))) {
      List<Candidate> ended =
          answers(generator, List.of()).stream().filter(a -> a.tokens().contains(hash())).toList();
      assertThat(ended)
          .isNotEmpty()
          .allSatisfy(
              a -> {
                assertThat(a.tokens().indexOf(hash())).isEqualTo(a.tokens().size() - 1);
                assertThat(a.finishReason()).isEqualTo(FinishReason.END_OF_TEXT);
                assertThat(a.text()).doesNotContain("#");
              });
    }
  }

  /** '#' in the tokenizer of bytes. */
  private static int hash() {
    return 3 + '#';
  }

  @ParameterizedTest
  @ValueSource(strings = {"fp32", "device"})
  void aSpecialTokenIsAStop(String where) throws Exception {
    try (Generator generator = open(where, model("#"))) {
      List<Candidate> stopped =
          answers(generator, List.of("<|im_end|>")).stream()
              .filter(a -> a.tokens().contains(END_OF_TURN))
              .toList();
      assertThat(stopped)
          .isNotEmpty()
          .allSatisfy(
              a -> {
                assertThat(a.tokens().indexOf(END_OF_TURN)).isEqualTo(a.tokens().size() - 1);
                assertThat(a.finishReason()).isEqualTo(FinishReason.STOP_TEXT);
              });
      assertThatThrownBy(() -> answers(generator, List.of("x<|im_end|>\n")))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("'<|im_end|>' in it");
    }
  }

  /** What stops is what the whole text would have stopped, in both ways the same. */
  @ParameterizedTest
  @ValueSource(strings = {"fp32", "device"})
  void stopTextsEndAnAnswerWhereTheyFirstStand(String where) throws Exception {
    List<String> stops = List.of("a", "e ", "zq", "\u00e9");
    try (Generator generator = open(where, model("<|im_end|>"))) {
      List<Candidate> free = answers(generator, List.of());
      List<Candidate> stopped = answers(generator, stops);
      for (int i = 0; i < free.size(); i++) {
        String text = free.get(i).text();
        int at = stops.stream().mapToInt(text::indexOf).filter(p -> p >= 0).min().orElse(-1);
        assertThat(stopped.get(i).text()).isEqualTo(at < 0 ? text : text.substring(0, at));
        assertThat(free.get(i).tokens())
            .startsWith(stopped.get(i).tokens().toArray(Integer[]::new));
      }
      assertThat(stopped).extracting(Candidate::finishReason).contains(FinishReason.STOP_TEXT);
    }
  }

  /** The very tokens, cut characters too, have the log-probability with which they were sampled. */
  @ParameterizedTest
  @ValueSource(strings = {"fp32", "device"})
  void sampledTokensAreScoredAsTheyWereSampled(String where) throws Exception {
    try (Generator generator = open(where, model("<|im_end|>"))) {
      List<Candidate> answers = answers(generator, List.of());
      List<Scoring> found = new ArrayList<>();
      generator
          .scorer()
          .orElseThrow()
          .score(
              List.of(
                  ScoringRequest.ofTokens(
                      Prompt.of("p", "Say."), answers.stream().map(Candidate::tokens).toList())),
              found::add,
              new Cancellation());
      for (int i = 0; i < answers.size(); i++) {
        int tokens = answers.get(i).tokens().size();
        assertThat(found.get(0).tokens().get(i)).isEqualTo(tokens);
        assertThat(found.get(0).logProbabilities().get(i))
            .isCloseTo(answers.get(i).logProbability().orElseThrow(), within(1e-3 * tokens));
      }
      assertThatThrownBy(
              () ->
                  generator
                      .scorer()
                      .orElseThrow()
                      .score(
                          List.of(
                              ScoringRequest.ofTokens(
                                  Prompt.of("p", "Say."), List.of(List.of(1_000_000)))),
                          found::add,
                          new Cancellation()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("token id 1000000");
    }
  }

  @Test
  void aGgufsEndOfTextAloneDoesNotDecide() throws Exception {
    Path gguf =
        Path.of(System.getProperty("autodidact.shared", "none"), "cases/gguf/eos_text.gguf");
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(gguf), gguf + " is not there");
    Path imported = folder.resolve("imported");
    org.autodidact.checkpoints.gguf.Gguf.importInto(gguf, imported);
    try (org.autodidact.checkpoints.ModelFolder model =
        org.autodidact.checkpoints.ModelFolder.open(imported)) {
      assertThat(model.ends().tokens()).contains(0, model.encoder().endOfTurn()[0]).hasSize(2);
    }
  }
}
