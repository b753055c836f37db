package org.autodidact.engine.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.TrainingExample;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLinesTest {
  @TempDir Path folder;

  private Path file(String text) throws Exception {
    return Files.writeString(folder.resolve("data.jsonl"), text);
  }

  @Test
  void promptsComeInTheirThreeForms() throws Exception {
    List<Prompt> prompts =
        JsonLines.prompts(
            file(
                """
                {"id": "a", "prompt": "one"}

                {"instruction": "two"}
                {"id": "c", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "three"}]}
                """));
    assertThat(prompts).extracting(Prompt::instruction).containsExactly("one", "two", "three");
    assertThat(prompts).extracting(Prompt::id).containsExactly("a", "1", "c");
  }

  @Test
  void halvesOfCharactersCanBeWrittenAgain() throws Exception {
    String half = "\\ud800";
    Path file =
        file(
            """
            {"id": "%s", "prompt": "a%s 😀"}
            {"messages": [{"role": "user", "content": "%s"}]}
            """
                .formatted(half, half, half));
    assertThat(JsonLines.prompts(file)).extracting(Prompt::id).containsExactly("?", "1");
    assertThat(JsonLines.prompts(file))
        .extracting(Prompt::instruction)
        .containsExactly("a? 😀", "?");
  }

  @Test
  void aPairSaysHowSureItIs() throws Exception {
    String pair = "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"%s}\n";
    Path sure = file(pair.formatted("") + pair.formatted(", \"consistency\": 0.75"));
    assertThat(JsonLines.read(sure, Examples::preference))
        .extracting(e -> ((TrainingExample.Preference) e).consistency())
        .containsExactly(1.0, 0.75);
    Path unclear = file(pair.formatted("") + pair.formatted(", \"consistency\": 1.5"));
    assertThatThrownBy(() -> JsonLines.read(unclear, Examples::preference))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("line 2", "'consistency' must be a number in [0, 1], found 1.5");
  }

  @Test
  void aListOfObjectsIsReadAsLinesAre() throws Exception {
    Path file =
        file(
            """
            [
              {
                "instruction": "x", "output_1": "a", "generator_1": "m", "output_2": "b",
                "generator_2": "n", "annotator": "judge", "preference": 1.25
              },
              {"instruction": "y", "output_1": "a", "output_2": "b", "preference": null}
            ]
            """);
    assertThat(RankedData.read(file))
        .containsExactly(
            new RankedInstruction(
                "x",
                List.of(
                    new RankedInstruction.Answer("a", 0.75),
                    new RankedInstruction.Answer("b", 0.25))));
    assertThat(JsonLines.rows(file, l -> l).where(1)).endsWith("data.jsonl, object 2 of the list");
  }

  private static final String TREE =
      """
      {"message_tree_id": "t", "prompt": {"text": "Say.", "role": "prompter", "lang": "en", "replies": [
       {"text": "well", "role": "assistant", "rank": 0}, {"text": "ill", "role": "assistant", "rank": 1}]}}
      """
          .replace("\n ", " ");

  private static final String PAIR =
      """
      {"chosen": "\\n\\nHuman: Say.\\n\\nAssistant: well", "rejected": "\\n\\nHuman: Say.\\n\\nAssistant: ill"}
      """;

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  @Test
  void treesAndPairsAreReadAsTheyAreDistributed() throws Exception {
    Path file = folder.resolve("data.jsonl.gz");
    for (String text : List.of(TREE, PAIR, "[" + PAIR + "," + TREE + "]")) {
      Files.write(file, gzip(text));
      List<RankedInstruction> found = RankedData.read(file);
      assertThat(found).isEqualTo(RankedData.read(file(text)));
      assertThat(found).isEqualTo(RankedData.read(file("\uFEFF" + text)));
      assertThat(found.get(0).instruction()).isEqualTo("Say.");
      assertThat(found.get(0).answers()).extracting(a -> a.text()).containsExactly("well", "ill");
    }
    // members one after the other are one file
    Files.write(file, gzip(TREE));
    Files.write(file, gzip("{\"chosen\": 1}"), StandardOpenOption.APPEND);
    assertThatThrownBy(() -> RankedData.read(file)).hasMessageContaining("data.jsonl.gz, line 2: ");
  }

  /** Every cut, and every changed byte after the header, which is not summed. */
  @Test
  void aBrokenGzipFileIsNamed() throws Exception {
    Path file = folder.resolve("data.jsonl.gz");
    int filling = 0;
    for (String text : List.of(TREE, "[" + TREE + "]")) {
      byte[] whole = gzip(text);
      for (int i = 2; i < whole.length; i++) {
        Files.write(file, Arrays.copyOf(whole, i));
        assertThatThrownBy(() -> RankedData.read(file))
            .isInstanceOf(InvalidInputException.class)
            .hasMessageContaining("data.jsonl.gz: cut off or damaged (gzip: ")
            .hasMessageContaining("fetch it again");
      }
      for (int i = 10; i < whole.length; i++) {
        byte[] changed = whole.clone();
        changed[i] ^= 0x10;
        Files.write(file, changed);
        try {
          // bits that only fill a byte may change
          assertThat(RankedData.read(file)).isEqualTo(RankedData.read(file(text)));
          filling++;
        } catch (InvalidInputException e) {
          assertThat(e).hasMessageContaining("data.jsonl.gz");
        }
      }
    }
    assertThat(filling).isLessThan(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"prompt\": \"a\"}\\n{\"prompt\": |line 2",
        "{\"prompt\": \"a\"}\\n\\n[1]|line 3",
        "{\"prompt\": \"a\"} trailing|line 1",
        "{\"query\": \"a\"}|line 1: the text 'prompt' is missing",
        "{\"prompt\": 7}|must be a text",
        "{\"messages\": []}|not empty",
        "{\"messages\": [{\"role\": \"user\"}]}|message 0",
        "\\n|found no line",
        "[{\"prompt\": \"a\"}, 1]|object 2 of the list: expected a JSON object",
        "[{\"prompt\": \"a\"}\\n|begins as a JSON list and is none",
        "[]|the list is empty",
      })
  void mistakesAreNamedByLine(String text, String message) throws Exception {
    Path file = file(text.replace("\\n", "\n"));
    assertThatThrownBy(() -> JsonLines.prompts(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("data.jsonl")
        .hasMessageContaining(message);
  }

  @Test
  void aDemonstrationEndsWithTheAssistant() throws Exception {
    Path file = file("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}");
    assertThatThrownBy(() -> JsonLines.read(file, Examples::demonstration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("assistant");
  }

  @Test
  void anEmptyAnswerIsNothingToLearn() throws Exception {
    Path file = file("{\"prompt\": \"x\", \"response\": \"\"}");
    assertThatThrownBy(() -> JsonLines.read(file, Examples::demonstration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("line 1: the assistant's answer is empty");
  }

  @Property(tries = 300)
  void anyBytesAreReadOrRefused(@ForAll byte[] bytes) throws Exception {
    Path file = Files.createTempFile("lines", ".jsonl");
    try {
      Files.write(file, bytes);
      JsonLines.prompts(file);
    } catch (InvalidInputException expected) {
      assertThat(expected).hasMessageContaining(file.getFileName().toString());
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void aPromptIdThatWasThereBeforeIsNamedWithItsLine() throws Exception {
    Path file = file("{\"id\": \"a\", \"prompt\": \"x\"}\n{\"prompt\": \"y\"}\n");
    assertThat(JsonLines.distinctPrompts(file)).extracting(Prompt::id).containsExactly("a", "1");
    Path twice = file(Files.readString(file) + "{\"id\": \"a\", \"prompt\": \"z\"}\n");
    assertThatThrownBy(() -> JsonLines.distinctPrompts(twice))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("line 3: the id 'a' was there before");
  }
}
