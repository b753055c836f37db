package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Creates prompt filters; found by name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public interface PromptFilterProvider extends PartProvider {
  /**
   * @throws InvalidInputException where a setting that this filter reads cannot be used
   */
  PromptFilter create(FilterSettings settings);

  /** A provider whose filters a function creates. */
  static PromptFilterProvider of(String name, Function<FilterSettings, PromptFilter> create) {
    record Named(String name, Function<FilterSettings, PromptFilter> function)
        implements PromptFilterProvider {
      @Override
      public PromptFilter create(FilterSettings argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, create);
  }

  /**
   * Settings of filters; each says which it uses.
   *
   * @param minWords words, between white space, that a prompt has at least
   * @param maxWords and at most
   * @param keywords words that no prompt has, in any case
   * @param language the language wanted, as an ISO 639 code: {@code en} or {@code eng}
   * @param options the options that the configuration gives the filter
   */
  record FilterSettings(
      int minWords, int maxWords, List<String> keywords, String language, PartOptions options) {
    /** Settings without options. */
    public FilterSettings(int minWords, int maxWords, List<String> keywords, String language) {
      this(minWords, maxWords, keywords, language, PartOptions.none());
    }

    public FilterSettings {
      Objects.requireNonNull(options, "options");
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
