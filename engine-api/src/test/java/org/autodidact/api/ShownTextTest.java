package org.autodidact.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ShownTextTest {
  @Test
  void plainTextOfAnyScriptStaysAsItIs() {
    for (String text : new String[] {"", "a b", "Größe", "日本語", "👩‍👩‍👧 fine", "نص", "a\\b"}) {
      assertThat(ShownText.of(text)).isEqualTo(text);
    }
    assertThat(ShownText.of(null)).isEqualTo("null");
    assertThat(ShownText.of(7)).isEqualTo("7");
  }

  @Test
  void whatATerminalActsOnIsEscaped() {
    assertThat(ShownText.of("\u001b]0;pwned\u0007\u001b[2J"))
        .isEqualTo("\\u001b]0;pwned\\u0007\\u001b[2J");
    assertThat(ShownText.of("a\r\nb\tc\0\u007f\u0085\u009b"))
        .isEqualTo("a\\r\\nb\\tc\\u0000\\u007f\\u0085\\u009b");
    assertThat(ShownText.of("\u202eabc\u2066\u200f\u061c\u2028\u2029\ufeff\u200b"))
        .isEqualTo("\\u202eabc\\u2066\\u200f\\u061c\\u2028\\u2029\\ufeff\\u200b");
    assertThat(ShownText.of("\udb40\udc41")).isEqualTo("\\U000e0041");
    assertThat(ShownText.of("x\ud800y\udc00")).isEqualTo("x\\ud800y\\udc00");
  }

  @Test
  void aLongTextIsCutBetweenCharacters() {
    String face = "😀";
    assertThat(ShownText.of(face.repeat(ShownText.LENGTH)))
        .isEqualTo(face.repeat(ShownText.LENGTH));
    assertThat(ShownText.of(face.repeat(ShownText.LENGTH + 1)))
        .isEqualTo(face.repeat(ShownText.LENGTH) + "…");
    assertThat(ShownText.of("abc", 2)).isEqualTo("ab…");
  }

  @Test
  void anyMessageIsOneShortLine() {
    String begin = "file.jsonl, line 7: ";
    String end = "; drop the line";
    String message = new InvalidInputException(begin + "x".repeat(100_000) + end).getMessage();
    assertThat(message).hasSizeLessThanOrEqualTo(ShownText.MESSAGE_LENGTH);
    assertThat(message).startsWith(begin).endsWith(end).contains(" … ");
    assertThat(new StorageException("a\nb\u001b[31m", new Exception()).getMessage())
        .isEqualTo("a\\nb\\u001b[31m");
    assertThat(new AutodidactException(null).getMessage()).isEqualTo("null");
  }

  @Test
  void textsOfAnyCharactersComeOutShortAndWithoutControls() {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder();
      for (int k = random.nextInt(700); k > 0; k--) {
        text.append(
            random.nextInt(3) == 0
                ? (char) random.nextInt(0x10000)
                : (char) (0xd700 + random.nextInt(0xa00)));
      }
      String message = ShownText.message(text.toString());
      assertThat(message.length()).isLessThanOrEqualTo(ShownText.MESSAGE_LENGTH);
      assertThat(ShownText.escaped(message)).isEqualTo(message);
    }
  }
}
