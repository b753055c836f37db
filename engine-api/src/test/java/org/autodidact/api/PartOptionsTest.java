package org.autodidact.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PartOptionsTest {
  enum Kind {
    ONE_WAY,
    OTHER
  }

  record All(
      @Setting("a text") String text,
      @Setting(value = "a number", range = "[1, 9]", byDefault = "3") int number,
      @Setting(value = "a share", byDefault = "0.5") double share,
      @Setting(value = "yes or no", byDefault = "false") boolean yes,
      @Setting(value = "a kind", byDefault = "other") Kind kind,
      @Setting(value = "words", byDefault = "a,b") List<String> words,
      @Setting("a file") Optional<Path> file,
      @Setting(value = "a key", byDefault = "${KEY}") Secret key) {}

  private static All read(Map<String, String> values) {
    return PartOptions.of(values).read(All.class, Map.of("KEY", "s3cret", "N", "7")::get);
  }

  @Test
  void eachComponentIsReadOrHasItsDefault() {
    assertThat(read(Map.of("text", "x")))
        .isEqualTo(
            new All(
                "x",
                3,
                0.5,
                false,
                Kind.OTHER,
                List.of("a", "b"),
                Optional.empty(),
                new Secret("s3cret")));
    All set =
        read(Map.of("text", "", "number", "${N}", "kind", "one-way", "words", "c", "file", "/f"));
    assertThat(set.number()).isEqualTo(7);
    assertThat(set.kind()).isEqualTo(Kind.ONE_WAY);
    assertThat(set.words()).containsExactly("c");
    assertThat(set.file()).hasValue(Path.of("/f"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "number|2|the option 'text' is missing: a text",
        "txt|x|unknown option 'txt'; there are: [file, key, kind, number",
        "number|x|'number' must be a number, found 'x'",
        "number|10|number must be at least 1 and at most 9, found 10",
        "share|NaN|'share' must be a number",
        "file|''|'file' must be a path, found ''",
        "yes|on|'yes' must be true or false",
        "kind|third|'kind' must be one of [one-way, other]",
        "key|abc|'key' is a secret, and would be kept with the run",
        "key|${GONE}|environment variable GONE, which is not set; set it",
        "number|${KEY}|'number' cannot be the value of ${KEY}: it is a number, in [1, 9]"
      })
  void whatCannotBeUsedIsNamed(String key, String value, String message) {
    Map<String, String> values =
        key.equals("number") && value.equals("2")
            ? Map.of(key, value)
            : Map.of("text", "x", key, value);
    assertThatThrownBy(() -> read(values))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void aSecretShowsItselfNowhere() {
    assertThat(read(Map.of("text", "x")).toString()).doesNotContain("s3cret");
    assertThat(PartOptions.of(Map.of("key", "${KEY}")).values())
        .containsExactlyEntriesOf(Map.of("key", "${KEY}"));
  }

  @Test
  void aPartWithoutOptionsTakesNone() {
    PartOptions.none().read(PartOptions.None.class);
    assertThatThrownBy(() -> PartOptions.of(Map.of("a", "b")).read(PartOptions.None.class))
        .hasMessage("unknown option 'a'; there are none");
  }
}
