package org.autodidact.engine.prompts;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.PromptFilterProvider;

/**
 * The prompt filters that the engine brings, by name.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class PromptFilters {
  private PromptFilters() {}

  public static List<PromptFilterProvider> providers() {
    return List.of(
        PromptFilterProvider.of(
            "length", s -> p -> words(p) >= s.minWords() && words(p) <= s.maxWords()),
        PromptFilterProvider.of("keywords", s -> without(s.keywords())));
  }

  static int words(String text) {
    return text.isBlank() ? 0 : text.strip().split("\\s+").length;
  }

  private static PromptFilter without(List<String> keywords) {
    if (keywords.isEmpty() || keywords.stream().anyMatch(String::isBlank)) {
      throw new InvalidInputException(
          "the prompt filter 'keywords' needs keywords, none of them blank; found " + keywords);
    }
    Pattern any =
        Pattern.compile(
            keywords.stream()
                .map(Pattern::quote)
                .collect(Collectors.joining("|", "(?<![\\p{L}\\p{N}])(?:", ")(?![\\p{L}\\p{N}])")),
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
    return prompt -> !any.matcher(prompt).find();
  }
}
