package org.autodidact.engine.plugins;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Plugin;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.PromptSource;
import org.autodidact.conformance.PromptFilterRules;
import org.autodidact.conformance.PromptSourceRules;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.engine.prompts.FilePromptSource;
import org.autodidact.engine.prompts.PromptFilters;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The rules of providers, prompt sources and filters, on what the engine brings. */
class BuiltInPartsKeepTheRulesTest {
  @Nested
  class Providers extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new BuiltInPlugin();
    }

    @Override
    protected JudgeContext context(
        JudgeProvider provider,
        Generator generator,
        Optional<String> template,
        PartOptions options) {
      JudgeContext context = super.context(provider, generator, template, options);
      return new JudgeContext(
          generator,
          context.sampling(),
          template,
          provider.name().equals("ensemble") ? members(generator) : List.of(),
          context.model(),
          options);
    }

    private List<Judge> members(Generator generator) {
      return plugin().judges().stream()
          .filter(p -> List.of("additive", "expected-score").contains(p.name()))
          .map(p -> p.open(context(p, generator, Optional.empty(), PartOptions.none())))
          .toList();
    }
  }

  @Nested
  class FileSource extends PromptSourceRules {
    @TempDir private Path folder;

    @Override
    protected PromptSource open() {
      Path file = folder.resolve("prompts.jsonl");
      try {
        Files.writeString(
            file,
            IntStream.range(0, 9)
                .mapToObj(i -> "{\"id\": \"p" + i + "\", \"prompt\": \"Say " + i + "\"}\n")
                .collect(Collectors.joining()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return new FilePromptSource(file, 1);
    }
  }

  @Nested
  class LengthFilter extends PromptFilterRules {
    @Override
    protected PromptFilter create() {
      return filter("length");
    }

    @Override
    protected List<String> texts() {
      return List.of("Say.", "Say three words.");
    }
  }

  @Nested
  class KeywordsFilter extends PromptFilterRules {
    @Override
    protected PromptFilter create() {
      return filter("keywords");
    }

    @Override
    protected List<String> texts() {
      return List.of("Draw an image.", "Say three words.");
    }
  }

  private static PromptFilter filter(String name) {
    return PromptFilters.providers().stream()
        .filter(p -> p.name().equals(name))
        .map(p -> p.create(new FilterSettings(2, 9, List.of("image"), "en")))
        .findFirst()
        .orElseThrow();
  }
}
