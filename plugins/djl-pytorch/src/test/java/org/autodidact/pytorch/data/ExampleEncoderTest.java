package org.autodidact.pytorch.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.api.Answer;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tokens are learned: on a tokenizer of bytes, whose ids are a byte and 3. */
class ExampleEncoderTest {
  private static final int END = 2;
  private static final List<Message> PROMPT = List.of(Message.user("x"));

  @TempDir Path folder;
  private ModelFolder model;

  @BeforeEach
  void open() {
    model = ModelFolder.open(TinyModel.write(folder.resolve("m"), 3));
  }

  @AfterEach
  void close() {
    model.close();
  }

  private int[] learned(Answer answer, int maxLength) {
    TrainingSettings settings = TrainingSettings.sft().toBuilder().maxLength(maxLength).build();
    return new ExampleEncoder(model, settings)
        .encode(
            List.of(new TrainingExample.Demonstration(PROMPT, answer)),
            false,
            TrainingSettings.Loss.SFT)
        .get(0)
        .answers()[0];
  }

  private int[] text(String text) {
    return model.encoder().text(text);
  }

  private static int[] and(int[] ids, int more) {
    return IntStream.concat(IntStream.of(ids), IntStream.of(more)).toArray();
  }

  private static Answer sampled(String text, List<Integer> tokens, FinishReason reason) {
    return Answer.sampled(new Candidate(1, text, tokens, -1, reason));
  }

  @Test
  void aWrittenTextEnds() {
    assertThat(learned(Answer.written("yes"), 200)).isEqualTo(and(text("yes"), END));
  }

  /** Half a character stays the bytes that it is, and nothing is put behind it. */
  @Test
  void whatWasDrawnIsLearnedAsItIs() {
    int[] euro = text("\u20ac");
    assertThat(euro).hasSize("\u20ac".getBytes(StandardCharsets.UTF_8).length);
    List<Integer> half = List.of(text("a")[0], euro[0], euro[1]);
    String decoded = model.encoder().decode(half.stream().mapToInt(t -> t).toArray());
    for (FinishReason reason : FinishReason.values()) {
      assertThat(learned(sampled(decoded, half, reason), 200))
          .containsExactly(half.get(0), half.get(1), half.get(2));
    }
    List<Integer> ended = List.of(text("a")[0], END);
    assertThat(learned(sampled("a", ended, FinishReason.END_OF_TEXT), 200))
        .containsExactly(ended.get(0), END);
  }

  /** As of a generator that gives no tokens. */
  @Test
  void aTextWithoutTokensEndsWhereTheModelEndedIt() {
    for (FinishReason reason : FinishReason.values()) {
      int[] learned = learned(sampled("ab", List.of(), reason), 200);
      assertThat(learned)
          .isEqualTo(reason == FinishReason.END_OF_TEXT ? and(text("ab"), END) : text("ab"));
    }
  }

  @Test
  void whatMaxLengthCutsHasNoEnd() {
    int prompt = model.encoder().prompt(PROMPT).length;
    assertThat(learned(Answer.written("yes"), prompt + 3)).isEqualTo(text("yes"));
    assertThat(learned(Answer.written("yes"), prompt + 2)).isEqualTo(text("ye"));
    List<Integer> tokens = List.of(text("a")[0], text("b")[0], END);
    assertThat(learned(sampled("ab", tokens, FinishReason.END_OF_TEXT), prompt + 2))
        .isEqualTo(text("ab"));
  }

  @Test
  void idsBeyondTheVocabularyAreRefused() {
    assertThatThrownBy(() -> learned(sampled("", List.of(259), FinishReason.MAX_TOKENS), 200))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("example 0: token id 259 is not among the embedding's 259");
  }

  @Test
  void aProbeIsWholeOrNotThere() {
    ExampleEncoder encoder =
        new ExampleEncoder(model, TrainingSettings.sft().toBuilder().maxLength(20).build());
    String longer = "word ".repeat(10);
    assertThat(
            encoder.encode(0, new Probe(PROMPT, Answer.written(longer))).orElseThrow().answers()[0])
        .isEqualTo(and(text(longer), END));
    assertThat(encoder.encode(0, new Probe(PROMPT, Answer.written("word ".repeat(300))))).isEmpty();
    assertThat(encoder.encode(0, new Probe(PROMPT, new Answer("", List.of(), false)))).isEmpty();
  }
}
