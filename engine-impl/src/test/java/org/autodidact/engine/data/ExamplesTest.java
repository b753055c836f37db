package org.autodidact.engine.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingExample.Demonstration;
import org.autodidact.api.TrainingExample.Preference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The forms that TRL, axolotl and LLaMA-Factory read; in rows ' stands for ". */
class ExamplesTest {
  private static final Message HI = Message.user("Hi");
  private static final Message HELLO = Message.assistant("Hello");
  private static final Message BYE = Message.user("Bye");
  private static final Message SYSTEM = new Message("system", "Be brief.");

  private static final String LIST_HI = "[{'role': 'user', 'content': 'Hi'}]";
  private static final String TURNS =
      "[{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'},"
          + " {'role': 'user', 'content': 'Bye'}, {'role': 'assistant', 'content': '%s'}]";

  @TempDir Path folder;

  private Path file(String rows) throws Exception {
    return Files.writeString(folder.resolve("rows.jsonl"), rows.replace('\'', '"'));
  }

  private TrainingExample preference(String row) throws Exception {
    return JsonLines.read(file(row), Examples::preference).get(0);
  }

  private TrainingExample demonstration(String row) throws Exception {
    return JsonLines.read(file(row), Examples::demonstration).get(0);
  }

  private List<Message> prompt(String row) throws Exception {
    return JsonLines.prompts(file(row)).get(0).messages();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'prompt': 'Hi', 'chosen': 'Hello', 'rejected': 'No'}",
        // TRL, conversational, explicit and implicit prompt
        "{'prompt': [{'role': 'user', 'content': 'Hi'}], 'chosen': [{'role': 'assistant', 'content':"
            + " 'Hello'}], 'rejected': [{'role': 'assistant', 'content': 'No'}]}",
        "{'chosen': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}],"
            + " 'rejected': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'No'}]}",
        // an explicit prompt that is in the lists again
        "{'prompt': [{'role': 'user', 'content': 'Hi'}], 'chosen': [{'role': 'user', 'content': 'Hi'},"
            + " {'role': 'assistant', 'content': 'Hello'}], 'rejected': [{'role': 'user', 'content':"
            + " 'Hi'}, {'role': 'assistant', 'content': 'No'}]}",
        // UltraFeedback, binarized; and with its answers as texts
        "{'prompt': 'Hi', 'prompt_id': '1', 'messages': [{'role': 'user', 'content': 'Hi'}, {'role':"
            + " 'assistant', 'content': 'Hello'}], 'chosen': [{'role': 'user', 'content': 'Hi'}, {'role':"
            + " 'assistant', 'content': 'Hello'}], 'rejected': [{'role': 'user', 'content': 'Hi'},"
            + " {'role': 'assistant', 'content': 'No'}], 'score_chosen': 8.0, 'score_rejected': 4.0}",
        "{'prompt': 'Hi', 'prompt_id': '1', 'messages': [{'role': 'user', 'content': 'Hi'}, {'role':"
            + " 'assistant', 'content': 'Hello'}], 'chosen': 'Hello', 'rejected': 'No'}",
        // ShareGPT: LLaMA-Factory's objects, axolotl's
        "{'conversations': [{'from': 'human', 'value': 'Hi'}], 'chosen': {'from': 'gpt', 'value':"
            + " 'Hello'}, 'rejected': {'from': 'gpt', 'value': 'No'}}",
        "{'messages': [{'role': 'user', 'content': 'Hi'}], 'chosen': {'role': 'assistant', 'content':"
            + " 'Hello'}, 'rejected': {'role': 'assistant', 'content': 'No'}, 'system': null}",
        // LLaMA-Factory's alpaca form, axolotl's columns
        "{'instruction': 'Hi', 'input': '', 'chosen': 'Hello', 'rejected': 'No'}",
        "{'system': '', 'question': 'Hi', 'chosen': 'Hello', 'rejected': 'No'}",
        "{'input': 'Hi', 'chosen': 'Hello', 'rejected': 'No'}",
        "{'instruction': 'Hi', 'chosen_response': 'Hello', 'rejected_response': 'No'}",
        // Anthropic's HH
        "{'chosen': '\\n\\nHuman: Hi\\n\\nAssistant: Hello', 'rejected': '\\n\\nHuman:"
            + " Hi\\n\\nAssistant: No'}",
        "{'prompt': '\\n\\nHuman: Hi\\n\\nAssistant:', 'chosen': 'Hello', 'rejected': 'No'}",
        // parts of texts, and columns that are empty
        "{'prompt': [{'role': 'user', 'content': [{'type': 'text', 'text': 'Hi'}]}], 'chosen': 'Hello',"
            + " 'rejected': 'No', 'tools': [], 'images': null, 'messages': null}",
      })
  void aPreferenceOfOneTurnIsTheSameInEveryForm(String row) throws Exception {
    assertThat(preference(row)).isEqualTo(new Preference(List.of(HI), "Hello", "No"));
  }

  @Test
  void aPreferenceOfSeveralTurnsIsTheWholeDialogue() throws Exception {
    List<Message> before = List.of(HI, HELLO, BYE);
    Preference wanted = new Preference(before, "A", "B");
    String chosen = TURNS.formatted("A");
    String lists = "'chosen': " + chosen + ", 'rejected': " + TURNS.formatted("B");
    assertThat(preference("{" + lists + "}")).isEqualTo(wanted);
    assertThat(preference("{'prompt': 'Hi', " + lists + "}")).isEqualTo(wanted);
    assertThat(preference("{'prompt': 'Bye', 'messages': " + chosen + ", " + lists + "}"))
        .isEqualTo(wanted);
    assertThat(
            preference(
                "{'prompt': 'Hi', 'messages': " + chosen + ", 'chosen': 'A', 'rejected': 'B'}"))
        .isEqualTo(wanted);
    assertThat(
            preference(
                "{'chosen': '\\n\\nHuman: Hi\\n\\nAssistant: Hello\\n\\nHuman: Bye\\n\\nAssistant: A',"
                    + " 'rejected': '\\n\\nHuman: Hi\\n\\nAssistant: Hello\\n\\nHuman:"
                    + " Bye\\n\\nAssistant: B'}"))
        .isEqualTo(wanted);
    assertThat(
            preference(
                "{'history': [['Hi', 'Hello']], 'instruction': 'Bye', 'chosen': 'A', 'rejected': 'B'}"))
        .isEqualTo(wanted);
    assertThat(preference("{'system': 'Be brief.', " + lists + "}").prompt())
        .containsExactly(SYSTEM, HI, HELLO, BYE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}]}",
        "{'messages': [{'role': 'user', 'content': 'Hi'}], 'completion': [{'role': 'assistant',"
            + " 'content': 'Hello'}]}",
        "{'prompt': 'Hi', 'response': 'Hello'}",
        "{'prompt': 'Hi', 'completion': 'Hello'}",
        "{'prompt': [{'role': 'user', 'content': 'Hi'}], 'completion': [{'role': 'assistant', 'content':"
            + " 'Hello'}]}",
        "{'conversations': [{'from': 'human', 'value': 'Hi'}, {'from': 'gpt', 'value': 'Hello'}]}",
        "{'conversations': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content':"
            + " 'Hello'}], 'tools': '[]', 'system': ''}",
        "{'instruction': 'Hi', 'input': '', 'output': 'Hello', 'history': []}",
        "{'instruction': 'Hi', 'response': 'Hello'}",
        "{'question': 'Hi', 'answer': 'Hello'}",
        "{'prompt': 'Hi', 'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant',"
            + " 'content': 'Hello'}], 'chosen': 'Hello', 'rejected': 'No'}",
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}],"
            + " 'instruction': 'Hi', 'response': 'Well', 'judgement': 'Score: 1'}",
      })
  void aDemonstrationIsTheSameInEveryForm(String row) throws Exception {
    assertThat(demonstration(row)).isEqualTo(new Demonstration(List.of(HI), "Hello"));
  }

  @Test
  void theLastTurnIsWhatIsLearned() throws Exception {
    assertThat(demonstration("{'messages': " + TURNS.formatted("A") + "}"))
        .isEqualTo(new Demonstration(List.of(HI, HELLO, BYE), "A"));
    assertThat(
            demonstration(
                "{'system': 'Be brief.', 'instruction': 'Add.', 'input': '1, 2', 'output': '3'}"))
        .isEqualTo(new Demonstration(List.of(SYSTEM, Message.user("Add.\n\n1, 2")), "3"));
    assertThat(
            demonstration("{'instruction': 'Say it.', 'context': 'It is so.', 'response': 'So.'}"))
        .isEqualTo(new Demonstration(List.of(Message.user("Say it.\n\nIt is so.")), "So."));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'prompt': 'Hi'}",
        "{'prompt': [{'role': 'user', 'content': 'Hi'}]}",
        "{'messages': [{'role': 'user', 'content': 'Hi'}]}",
        "{'conversations': [{'from': 'human', 'value': 'Hi'}]}",
        "{'instruction': 'Hi', 'output': 'Hello'}",
        "{'question': 'Hi', 'answer': 'Hello'}",
        "{'prompt': 'Hi', 'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant',"
            + " 'content': 'Hello'}], 'chosen': 'Hello', 'rejected': 'No'}",
        "{'chosen': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}],"
            + " 'rejected': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'No'}]}",
      })
  void aPromptIsTheSameInEveryForm(String row) throws Exception {
    assertThat(prompt(row)).containsExactly(HI);
  }

  @Test
  void aDemonstrationsPromptIsTakenWhereAnswersAreLeftOut() throws Exception {
    Path file = file("{'messages': " + TURNS.formatted("A") + "}");
    assertThat(JsonLines.instructions(file).get(0).messages()).containsExactly(HI, HELLO, BYE);
    assertThatThrownBy(() -> JsonLines.prompts(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("line 1: the prompt ends with the assistant's own turn");
  }

  @Test
  void anIdMayBeAWholeNumber() throws Exception {
    Path file = file("{'id': 7, 'prompt': 'Hi'}\n{'id': null, 'prompt': 'Hi'}\n");
    assertThat(JsonLines.distinctPrompts(file)).extracting(Prompt::id).containsExactly("7", "1");
    Path same = file("{'id': 7, 'prompt': 'Hi'}\n{'id': '7', 'prompt': 'Hi'}\n");
    assertThatThrownBy(() -> JsonLines.distinctPrompts(same))
        .hasMessageContaining("line 2: the id '7'");
    Path half = file("{'id': 7.5, 'prompt': 'Hi'}");
    assertThatThrownBy(() -> JsonLines.prompts(half)).hasMessageContaining("'id' must be a text");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'prompt': 'WRONG', 'messages': [{'role': 'user', 'content': 'Hi'}], 'chosen': 'b', 'rejected':"
            + " 'c'}|'messages' and 'prompt' say different things",
        "{'prompt': 'Hi', 'instruction': 'Ho', 'chosen': 'b', 'rejected': 'c'}|'prompt' and 'instruction'",
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'He'}],"
            + " 'chosen': 'llo', 'rejected': 'x'}|ends with the assistant's own turn",
        "{'prompt': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'He'}],"
            + " 'chosen': 'llo', 'rejected': 'x'}|ends with the assistant's own turn",
        "{'prompt': 'Hi', 'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant',"
            + " 'content': 'other'}], 'chosen': 'b', 'rejected': 'c'}|'messages' and 'chosen'",
        "{'prompt': 'a', 'chosen': '  \\n', 'rejected': 'x'}|'chosen' is empty",
        "{'prompt': 'a', 'chosen': 'x', 'rejected': ''}|'rejected' is empty",
        "{'prompt': '', 'chosen': 'b', 'rejected': 'x'}|the prompt is empty",
        "{'prompt': 'a', 'chosen': 'x', 'rejected': 'x'}|are the same",
        "{'prompt': 'a', 'chosen': 'x'}|'rejected' is missing",
        "{'prompt': 'a', 'chosen': 'x', 'rejected': null}|'rejected' is missing",
        "{'chosen': 'The sky is blue.', 'rejected': 'The sky is green.'}|without a prompt",
        "{'chosen': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'a'}],"
            + " 'rejected': [{'role': 'user', 'content': 'Ho'}, {'role': 'assistant', 'content': 'b'}]}|they"
            + " differ from message 0 on",
        "{'prompt': 'x', 'chosen': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content':"
            + " 'a'}], 'rejected': 'b'}|one of 'chosen' and 'rejected' has the prompt in it",
        "{'prompt': 'Ho', 'chosen': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content':"
            + " 'a'}], 'rejected': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content':"
            + " 'b'}]}|'prompt' and 'chosen' say different things",
        "{'prompt': 'x', 'chosen': [{'role': 'user', 'content': 'Hi'}], 'rejected': 'b'}|'chosen' must end"
            + " with the assistant's message",
        "{'prompt': 'x', 'chosen': [{'role': 'assistant', 'content': 'a'}, {'role': 'user', 'content':"
            + " 'b'}, {'role': 'assistant', 'content': 'c'}], 'rejected': [{'role': 'assistant', 'content':"
            + " 'a'}, {'role': 'user', 'content': 'b'}, {'role': 'assistant', 'content': 'd'}]}|several"
            + " messages",
        "{'prompt': 'Hi', 'chosen': 'a', 'rejected': 'b', 'tools': [{'name': 'f'}]}|'tools' is not read",
        "{'prompt': 'Hi', 'chosen': 'a', 'rejected': 'b', 'images': ['x.png']}|'images' is not read",
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'tool', 'content': '4'}], 'chosen':"
            + " 'a', 'rejected': 'b'}|has the role 'tool'",
        "{'conversations': [{'from': 'function_call', 'value': '{}'}], 'chosen': 'a', 'rejected': 'b'}|has"
            + " the role 'function_call'",
        "{'conversations': [{'from': 'narrator', 'value': 'x'}], 'chosen': 'a', 'rejected': 'b'}|has the"
            + " role 'narrator'",
        "{'messages': [{'role': 'assistant', 'content': null, 'tool_calls': [{}]}], 'chosen': 'a',"
            + " 'rejected': 'b'}|has 'tool_calls', which is not rendered",
        "{'messages': [{'role': 'user', 'content': [{'type': 'image_url', 'image_url': {}}]}], 'chosen':"
            + " 'a', 'rejected': 'b'}|a part of the type 'image_url'",
        "{'messages': [{'role': 'user'}], 'chosen': 'a', 'rejected': 'b'}|message 0 of 'messages' needs",
        "{'prompt': 'Hi', 'chosen': 'a', 'rejected': 'b', 'prompt': 'Ho'}|the key 'prompt' is given twice",
        "{'prompt': 7, 'chosen': 'a', 'rejected': 'b'}|'prompt' must be a text, found number",
        "{'prompt': 'a', 'chosen': 'x', 'rejected': 'y', 'consistency': 1e999999999}|'consistency' must be"
            + " a number in [0, 1]",
      })
  void aPreferenceThatMeansTwoThingsOrNoneIsRefusedByRowAndKeys(String row, String message)
      throws Exception {
    Path file =
        file("{'prompt': 'p', 'chosen': 'a', 'rejected': 'b'}\n" + row.replace("\\\\", "\\"));
    assertThatThrownBy(() -> JsonLines.read(file, Examples::preference))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("rows.jsonl, line 2: ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("jackson");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'prompt': 'a', 'completion': 'b', 'label': false}|KTO",
        "{'text': 'The sky is blue.'}|'text' alone",
        "{'prompt': 'a', 'chosen': 'b', 'rejected': 'c'}|are a preference, for 'train dpo'",
        "{'prompt': 'a', 'response': 'b', 'completion': 'c'}|'completion' and 'response'",
        "{'prompt': 'a', 'response': ' '}|the assistant's answer is empty",
        "{'prompt': 'a'}|expected 'messages'",
        "{'instruction': 'a', 'response': 'b', 'judgement': 'Score: 1'}|fine-tuning.eft",
        "{'prompt': 'Ho', 'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant',"
            + " 'content': 'Hello'}]}|'messages' and 'prompt'",
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}],"
            + " 'response': 'other'}|'messages' and 'response'",
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello',"
            + " 'weight': 0}]}|not to be trained",
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello',"
            + " 'reasoning_content': 'Hm.'}]}|'reasoning_content', which is not rendered",
        "{'system': 'A', 'messages': [{'role': 'system', 'content': 'B'}, {'role': 'user', 'content':"
            + " 'Hi'}, {'role': 'assistant', 'content': 'Hello'}]}|'system' and the system message",
        "{'messages': [{'role': 'User', 'content': 'Hi'}, {'role': 'assistant', 'content': 'x'}]}|the role"
            + " 'User'",
      })
  void aDemonstrationThatMeansTwoThingsOrNoneIsRefused(String row, String message)
      throws Exception {
    Path file = file(row);
    assertThatThrownBy(() -> JsonLines.read(file, Examples::demonstration))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("rows.jsonl, line 1: ")
        .hasMessageContaining(message);
  }

  @Test
  void aRankedDialogueIsJudgedByAllThatWasSaidBefore() throws Exception {
    Path file =
        file(
            "{'prompt': 'Hi', 'chosen': "
                + TURNS.formatted("A")
                + ", 'rejected': "
                + TURNS.formatted("B")
                + "}");
    assertThat(RankedData.read(file))
        .containsExactly(
            new RankedInstruction(
                "Human: Hi\n\nAssistant: Hello\n\nHuman: Bye",
                List.of(
                    new RankedInstruction.Answer("A", 1), new RankedInstruction.Answer("B", 0))));
    Path one = file("{'instruction': 'Hi', 'chosen': 'A', 'rejected': 'B'}");
    assertThat(RankedData.read(one).get(0).instruction()).isEqualTo("Hi");
  }
}
