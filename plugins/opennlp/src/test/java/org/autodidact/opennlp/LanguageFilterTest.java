package org.autodidact.opennlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.autodidact.api.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LanguageFilterTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Explain why leaves change colour in autumn.",
        "Name three colours.",
        "Translate into French: the cat is asleep.",
        "def f(x): return x + 1  # what does this do?",
        "2 + 2 = ?",
        ""
      })
  void whatMayBeEnglishIsAccepted(String prompt) {
    assertThat(new LanguageFilter("en").accepts(prompt)).isTrue();
    assertThat(new LanguageFilter("eng").accepts(prompt)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "de, Erkläre bitte in einfachen Worten warum sich die Blätter im Herbst verfärben und abfallen.",
    "fr, Explique avec des mots simples pourquoi les feuilles changent de couleur en automne.",
    "es, Explica con palabras sencillas por qué las hojas cambian de color en otoño.",
    "de, Wie geht es dir?",
    "ru, Объясни простыми словами почему осенью листья меняют цвет."
  })
  void whatIsSurelyInAnotherLanguageIsNot(String language, String prompt) {
    assertThat(new LanguageFilter("en").accepts(prompt)).isFalse();
    assertThat(new LanguageFilter(language).accepts(prompt)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"english", "xx", ""})
  void anUnknownLanguageIsNamedWithThoseThatThereAre(String language) {
    assertThatThrownBy(() -> new LanguageFilter(language))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'" + language + "'")
        .hasMessageContaining("deu, ");
  }

  @Test
  void theFilterIsFoundByName() {
    assertThat(new OpenNlpPlugin().promptFilters().get(0).name()).isEqualTo("language");
  }
}
