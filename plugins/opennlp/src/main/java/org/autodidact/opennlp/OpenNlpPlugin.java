package org.autodidact.opennlp;

import java.util.List;
import org.autodidact.api.Plugin;
import org.autodidact.api.PromptFilterProvider;

/** Brings the prompt filter {@code language}. */
public final class OpenNlpPlugin implements Plugin {
  @Override
  public String name() {
    return "opennlp";
  }

  @Override
  public List<PromptFilterProvider> promptFilters() {
    return List.of(
        PromptFilterProvider.of("language", settings -> new LanguageFilter(settings.language())));
  }
}
