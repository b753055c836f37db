package org.autodidact.checkpoints.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.autodidact.api.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What AutoTokenizer.from_pretrained(...).special_tokens_map of transformers 5.24 gives. */
class SpecialTokensTest {
  @TempDir Path folder;

  private Map<String, String> read(String config, String legacy) throws Exception {
    write("tokenizer_config.json", config);
    write("special_tokens_map.json", legacy);
    return SpecialTokens.read(folder);
  }

  private void write(String name, String json) throws Exception {
    Files.deleteIfExists(folder.resolve(name));
    if (!json.isEmpty()) {
      Files.writeString(folder.resolve(name), json.replace('\'', '"'));
    }
  }

  @Test
  void aTokenIsInEitherFile() throws Exception {
    assertThat(
            read(
                "{'eos_token': '<e>', 'pad_token': null}",
                "{'bos_token': {'content': '<s>', 'lstrip': false}, 'eos_token': '<e>'}"))
        .containsOnly(Map.entry("bos_token", "<s>"), Map.entry("eos_token", "<e>"));
    assertThat(read("", "{'unk_token': '<u>'}")).containsOnly(Map.entry("unk_token", "<u>"));
    assertThat(read("{'unk_token': {'__type': 'AddedToken', 'content': '<u>'}}", ""))
        .containsOnly(Map.entry("unk_token", "<u>"));
    assertThat(read("", "")).isEmpty();
  }

  @Test
  void theOlderFileWinsWhereTheNewerOneIsNotWhole() throws Exception {
    String legacy = "{'bos_token': '<s>', 'eos_token': '<old>', 'pad_token': null}";
    assertThat(read("{'eos_token': '<e>', 'pad_token': '<p>'}", legacy))
        .containsOnly(Map.entry("bos_token", "<s>"), Map.entry("eos_token", "<old>"));
    assertThat(read("{'eos_token': '<e>', 'pad_token': '<p>', 'added_tokens_decoder': {}}", legacy))
        .containsOnly(Map.entry("eos_token", "<e>"), Map.entry("pad_token", "<p>"));
  }

  @Test
  void tokensOfAModelsOwnHaveTheirNames() throws Exception {
    assertThat(
            read(
                "{'image_token': '<i>', 'add_bos_token': true, 'extra_special_tokens':"
                    + " {'boi_token': {'content': '<b>'}, 'end': '<x>'}}",
                "{'additional_special_tokens': ['<a>']}"))
        .containsOnly(
            Map.entry("image_token", "<i>"),
            Map.entry("boi_token", "<b>"),
            Map.entry("end", "<x>"));
    assertThat(read("{'extra_special_tokens': ['<a>']}", "")).isEmpty();
  }

  @Test
  void whatIsNoTokenIsNamed() throws Exception {
    assertThatThrownBy(() -> read("{'eos_token': 5}", ""))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("tokenizer_config.json: 'eos_token' must be a text")
        .hasMessageContaining("found 5");
    assertThatThrownBy(() -> read("{", "")).isInstanceOf(InvalidInputException.class);
  }
}
