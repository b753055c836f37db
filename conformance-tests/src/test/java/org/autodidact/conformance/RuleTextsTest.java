package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The sentences of {@link Rule} are those of the interfaces' Javadoc, and each has a test. */
class RuleTextsTest {
  private static final Path API = Path.of("../engine-api/src/main/java/org/autodidact/api");
  private static final Pattern ITEM = Pattern.compile("<li>([A-Z]\\d+): (.*?) ?(?=<li>|</ul>)");
  private static final Pattern CODE = Pattern.compile("\\{@code ((?:\\{[^{}]*}|[^{}])*)}");
  private static final Pattern LINK = Pattern.compile("\\{@link(?:plain)? (\\S+?)(?: ([^}]*))?}");

  private static Map<String, String> documented() throws IOException {
    Map<String, String> rules = new LinkedHashMap<>();
    try (Stream<Path> files = Files.list(API)) {
      for (Path file : files.sorted().toList()) {
        String javadoc = Files.readString(file).replaceAll("\\n\\s*\\*(?: |(?=\\n))", " ");
        Matcher item = ITEM.matcher(javadoc.replaceAll("\\s+", " "));
        while (item.find()) {
          assertThat(rules.put(item.group(1), plain(item.group(2)))).as(item.group(1)).isNull();
        }
      }
    }
    return rules;
  }

  private static String plain(String javadoc) {
    String text = CODE.matcher(javadoc).replaceAll(m -> Matcher.quoteReplacement(m.group(1)));
    return LINK.matcher(text)
        .replaceAll(
            m ->
                Matcher.quoteReplacement(
                    m.group(2) != null
                        ? m.group(2)
                        : m.group(1).replace('#', '.').replaceFirst("^\\.", "")))
        .strip();
  }

  @Test
  void theSentencesAreTheJavadocs() throws IOException {
    assertThat(Arrays.stream(Rule.values()).collect(Collectors.toMap(Rule::name, Rule::text)))
        .isEqualTo(documented());
  }

  @Test
  void eachRuleHasOneTest() {
    List<String> tested =
        Stream.of(
                GeneratorRules.class,
                ScorerRules.class,
                JudgeRules.class,
                PairSelectorRules.class,
                TrainerRules.class,
                PromptSourceRules.class,
                PromptFilterRules.class,
                ProviderRules.class)
            .flatMap(c -> Arrays.stream(c.getDeclaredMethods()))
            .filter(m -> m.isAnnotationPresent(Test.class))
            .map(m -> m.getName().substring(0, m.getName().indexOf('_')))
            .toList();
    assertThat(tested)
        .containsExactlyInAnyOrderElementsOf(Arrays.stream(Rule.values()).map(Rule::name).toList());
  }
}
