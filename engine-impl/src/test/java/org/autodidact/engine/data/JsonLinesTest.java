package org.autodidact.engine.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
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
    assertThat(JsonLines.where(file, 1)).endsWith("data.jsonl, object 2 of the list");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"prompt\": \"a\"}\\n{\"prompt\": |line 2",
        "{\"prompt\": \"a\"}\\n\\n[1]|line 3",
        "{\"prompt\": \"a\"} trailing|line 1",
        "{\"question\": \"a\"}|line 1: the text 'prompt' is missing",
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
    assertThatThrownBy(() -> JsonLines.read(file, JsonLines::demonstration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("assistant");
  }

  @Test
  void anEmptyAnswerIsNothingToLearn() throws Exception {
    Path file = file("{\"prompt\": \"x\", \"response\": \"\"}");
    assertThatThrownBy(() -> JsonLines.read(file, JsonLines::demonstration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("line 1: 'response' is empty");
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
}
