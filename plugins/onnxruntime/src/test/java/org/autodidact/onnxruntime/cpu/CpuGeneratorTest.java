package org.autodidact.onnxruntime.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.Asked;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a small random model, which needs nothing from outside. */
class CpuGeneratorTest {
  @TempDir static Path folder;
  private static CpuGenerator generator;

  @BeforeAll
  static void open() {
    generator =
        CpuGenerator.open(
            new Checkpoint("M0", TinyModel.write(folder.resolve("tiny"), 5)),
            new ComputeSettings(ComputeSettings.Precision.FP32, 2, 8));
  }

  @AfterAll
  static void close() {
    generator.close();
  }

  private static GenerationRequest request(String id, String text, int tokens, Long... seeds) {
    return new GenerationRequest(
        Prompt.of(id, text), List.of(seeds), SamplingParameters.candidates(tokens));
  }

  private static List<Generation> generate(List<GenerationRequest> requests) {
    List<Generation> found = new ArrayList<>();
    generator.generate(requests, found::add, new Cancellation());
    return found;
  }

  /** More candidates than the cache has rows, so that rows leave and others enter. */
  @Test
  void everyPromptIsAnsweredThoughTheCacheIsSmall() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      requests.add(request("p" + i, "word ".repeat(1 + i % 7), 1 + (i * 5) % 23, 1L + i, 2L, 3L));
    }
    List<Generation> found = generate(requests);
    assertThat(found).extracting(Generation::promptId).doesNotHaveDuplicates().hasSize(40);
    for (Generation g : found) {
      int i = Integer.parseInt(g.promptId().substring(1));
      assertThat(g.candidates()).hasSize(3);
      assertThat(g).isEqualTo(generate(List.of(requests.get(i))).get(0));
    }
  }

  /** Prompts that stand apart from their candidates give what prompts in each row give. */
  @Test
  void candidatesThatShareAPromptAreWhatTheyAreAlone() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      requests.add(
          request("p" + i, "word ".repeat(20 + i % 7) + "ab".repeat(i), 1 + i, 1L + i, 2L, 3L, 4L));
    }
    try (CpuGenerator sharing =
        CpuGenerator.open(
            new GeneratorContext(
                new Checkpoint("M0", folder.resolve("tiny")),
                new ComputeSettings(ComputeSettings.Precision.FP32, 2, 16)),
            true,
            false)) {
      List<Generation> together = new ArrayList<>();
      sharing.generate(requests, together::add, new Cancellation());
      assertThat(together).hasSize(20);
      for (Generation found : together) {
        GenerationRequest request = requests.get(Integer.parseInt(found.promptId().substring(1)));
        for (int k = 0; k < request.seeds().size(); k++) {
          List<Generation> alone = new ArrayList<>();
          sharing.generate(
              List.of(
                  new GenerationRequest(
                      request.prompt(), List.of(request.seeds().get(k)), request.sampling())),
              alone::add,
              new Cancellation());
          Candidate expected = alone.get(0).candidates().get(0);
          assertThat(found.candidates().get(k).tokens()).isEqualTo(expected.tokens());
          assertThat(found.candidates().get(k).logProbability().orElseThrow())
              .isCloseTo(expected.logProbability().orElseThrow(), within(1e-4));
        }
      }
    }
  }

  /** What texts have in common is computed once, and changes nothing. */
  @Test
  void textsWithACommonPrefixAreScoredAsAlone() {
    List<ScoringRequest> requests = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      requests.add(
          new ScoringRequest(
              Prompt.of("p" + i, "the same long beginning ".repeat(6) + "b".repeat(i)),
              "",
              List.of("one", "two " + i),
              true));
    }
    Map<String, Scoring> together = Asked.score(generator, requests);
    assertThat(together).hasSize(30);
    for (ScoringRequest request : requests) {
      List<Double> alone =
          Asked.score(generator, List.of(request)).get(request.prompt().id()).logProbabilities();
      List<Double> found = together.get(request.prompt().id()).logProbabilities();
      for (int i = 0; i < alone.size(); i++) {
        assertThat(found.get(i)).isCloseTo(alone.get(i), within(1e-6));
      }
    }
  }

  /** Its logits would not all fit: they are computed, and forgotten, piece by piece. */
  @ParameterizedTest
  @ValueSource(ints = {256, 257, 260, 261, 513, 700})
  void aLongTextIsAsLikelyAsItsPartsOneAfterAnother(int length) {
    Prompt prompt = Prompt.of("p", "word");
    String text = "So it was said, and so it was. ".repeat(30).substring(0, length);
    Scoring whole = score(new ScoringRequest(prompt, "", List.of(text), true));
    assertThat(whole.tokens()).containsExactly(length + 1);
    double sum = 0;
    for (int from = 0; from < length; from += 100) {
      int to = Math.min(from + 100, length);
      String part = text.substring(from, to);
      ScoringRequest request =
          new ScoringRequest(prompt, text.substring(0, from), List.of(part), to == length);
      sum += score(request).logProbabilities().get(0);
    }
    assertThat(whole.logProbabilities().get(0)).isCloseTo(sum, within(1e-3));
  }

  private static Scoring score(ScoringRequest request) {
    return Asked.score(generator, List.of(request)).get(request.prompt().id());
  }

  /**
   * A run that is resumed has fewer texts left, and what one has in common with the others begins
   * elsewhere. To the bit, wherever that is, and whatever else is in the run.
   */
  @ParameterizedTest
  @ValueSource(ints = {16, 64})
  void aTextIsScoredTheSameWhereverItsRunBegins(int head) {
    Checkpoint model =
        new Checkpoint("M0", TinyModel.write(folder.resolve("heads of " + head), 3, head));
    try (CpuGenerator opened =
        CpuGenerator.open(model, new ComputeSettings(ComputeSettings.Precision.FP32, 2, 8))) {
      DecoderSession session = opened.backend().session(0);
      for (int length = 270; length < 290; length++) {
        int[] text = new Random(5).ints(length, 3, 259).toArray();
        float[] whole = lastLogits(session, text, 0);
        for (int start = 1; start <= length - DecoderSession.UNSHARED_TAIL; start++) {
          assertThat(lastLogits(session, text, start))
              .as("%d tokens from %d on", length, start)
              .isEqualTo(whole);
        }
        assertThat(lastLogitsBeside(session, text, Arrays.copyOf(text, 300)))
            .as("%d tokens beside 300", length)
            .isEqualTo(whole);
      }
    }
  }

  private static float[] lastLogits(DecoderSession session, int[] text, int start) {
    session.cache().layOut(1, text.length);
    if (start > 0) {
      session.run(DecoderSession.Input.ofPrompt(session.cache(), 0, text, 0, new int[] {0}, 1));
    }
    return logits(
        session,
        DecoderSession.Input.ofPrompt(
            session.cache(), 0, text, start, new int[] {text.length - 1}, 1));
  }

  private static float[] lastLogitsBeside(DecoderSession session, int[] text, int[] other) {
    session.cache().layOut(2, other.length);
    return logits(
        session,
        DecoderSession.Input.ofPrompts(
            session.cache(),
            0,
            List.of(text, other),
            List.of(new int[] {text.length - 1}, new int[0]),
            new float[] {1}));
  }

  private static float[] logits(DecoderSession session, DecoderSession.Input input) {
    DecoderSession.Logits found = session.run(input);
    float[] row = new float[found.vocabulary()];
    found.copyLogits(0, row);
    return row;
  }

  /** A prompt's answer, among prompts that begin as it does and among others. */
  @Test
  void promptsWithACommonPrefixAreAnsweredAsAlone() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      requests.add(
          request("p" + i, "a long beginning of all ".repeat(5) + "c".repeat(i % 13), 9, 7L + i));
    }
    for (Generation g : generate(requests)) {
      int i = Integer.parseInt(g.promptId().substring(1));
      assertThat(g).isEqualTo(generate(List.of(requests.get(i))).get(0));
    }
  }

  @Test
  void finishReasonsAreTrue() {
    SamplingParameters stop = new SamplingParameters(200, 1, 0, 1, 0, 1, List.of("a", "e"), true);
    Generation stopped =
        generate(List.of(new GenerationRequest(Prompt.of("x", "hi"), List.of(4L), stop))).get(0);
    assertThat(stopped.candidates().get(0).finishReason()).isEqualTo(FinishReason.STOP_TEXT);
    assertThat(stopped.candidates().get(0).text()).doesNotContain("a").doesNotContain("e");
    Generation full =
        generate(
                List.of(
                    new GenerationRequest(
                        Prompt.of("x", "z".repeat(980)),
                        List.of(4L),
                        SamplingParameters.candidates(500).withIgnoreEndOfText(true))))
            .get(0);
    assertThat(full.candidates().get(0).finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
    assertThat(full.promptTokens().size() + full.candidates().get(0).tokens().size())
        .isEqualTo(1024);
  }

  @Test
  void badRequestsAreNamed() {
    assertThatThrownBy(() -> generate(List.of(request("long", "z".repeat(2000), 4, 1L))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'long'")
        .hasMessageContaining("1024");
    assertThatThrownBy(
            () -> generate(List.of(request("same", "a", 4, 1L), request("same", "b", 4, 1L))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("same");
  }

  @Test
  void cancellationEndsTheCall() {
    Cancellation cancellation = new Cancellation();
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      requests.add(request("p" + i, "hi", 1 + i, 1L));
    }
    assertThatThrownBy(() -> generator.generate(requests, g -> cancellation.cancel(), cancellation))
        .isInstanceOf(CancelledException.class);
    assertThat(generate(List.of(requests.get(0)))).hasSize(1);
  }
}
