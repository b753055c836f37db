package org.autodidact.checkpoints.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.autodidact.api.InvalidInputException;
import org.junit.jupiter.api.Test;

class TokenizerFileTest {
  private static final String ADDED =
      "'added_tokens': [{'id': 7, 'content': '<end>', 'special': true},"
          + " {'id': 5, 'content': 'word', 'special': false}]";
  private static final String MODEL =
      "'model': {'type': 'BPE', 'merges': [['a', 'b'], 'b c'], 'vocab': {'a': 0, 'ab': 3, 'word': 5}}";

  private static TokenizerFile read(String json) {
    return TokenizerFile.read(
        json.replace('\'', '"').getBytes(StandardCharsets.UTF_8), Path.of("tokenizer.json"));
  }

  @Test
  void doesNotDependOnTheOrderOfMembers() {
    TokenizerFile expected = new TokenizerFile(Map.of("<end>", 7), 8, 3, 1);
    assertThat(read("{" + ADDED + ", " + MODEL + "}")).isEqualTo(expected);
    assertThat(read("{" + MODEL + ", " + ADDED + "}")).isEqualTo(expected);
  }

  @Test
  void countsVocabulariesThatAreLists() {
    String model = "'model': {'type': 'Unigram', 'vocab': [['a', -1.5], ['b', -2], ['c', 0]]}";
    assertThat(read("{" + model + "}")).isEqualTo(new TokenizerFile(Map.of(), 3, 2, 1));
    assertThat(read("{" + model + ", " + ADDED + "}"))
        .isEqualTo(new TokenizerFile(Map.of("<end>", 7), 8, 2, 1));
  }

  @Test
  void readsOtherMembersOver() {
    assertThat(read("{'version': '1.0', 'padding': null, 'x': [{'vocab': {'a': -1}}], 'model': 3}"))
        .isEqualTo(new TokenizerFile(Map.of(), 0, -1, 1));
  }

  @Test
  void refusesIdsThatAreNone() {
    for (String id : new String[] {"-1", "1.5", "'3'", "4294967296", "null", "[1]"}) {
      assertThatThrownBy(() -> read("{'model': {'vocab': {'a': 0, 'b': " + id + "}}}"))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("tokenizer.json: the token 'b' must have an id from 0 to");
    }
  }

  @Test
  void refusesWhatIsNoObject() {
    assertThatThrownBy(() -> read("[]")).hasMessageContaining("expected a JSON object");
    assertThatThrownBy(() -> read("{'model': {'vocab': {'a': 0"))
        .hasMessageContaining("tokenizer.json: not JSON")
        .hasMessageContaining("line 1");
    assertThatThrownBy(() -> read("{} {}")).hasMessageContaining("found more after it");
  }
}
