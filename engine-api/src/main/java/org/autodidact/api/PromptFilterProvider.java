package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/** Creates prompt filters; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface PromptFilterProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  /**
   * @throws InvalidInputException where a setting that this filter reads cannot be used
   */
  PromptFilter create(FilterSettings settings);

  /**
   * Settings of filters; each says which it uses.
   *
   * @param minWords words, between white space, that a prompt has at least
   * @param maxWords and at most
   * @param keywords words that no prompt has, in any case
   * @param language the language wanted, as an ISO 639 code: {@code en} or {@code eng}
   */
  record FilterSettings(int minWords, int maxWords, List<String> keywords, String language) {
    public FilterSettings {
      Objects.requireNonNull(language, "language");
      keywords = List.copyOf(keywords);
      if (minWords < 1 || maxWords < minWords) {
        throw new InvalidInputException(
            "min-words must be at least 1 and max-words no less, found "
                + minWords
                + " and "
                + maxWords);
      }
    }
  }
}
