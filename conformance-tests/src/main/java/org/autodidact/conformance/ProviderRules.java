package org.autodidact.conformance;

import java.lang.reflect.RecordComponent;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.PairSelectorProvider.SelectorSettings;
import org.autodidact.api.PartOptions;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptFilterProvider;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.PromptSourceProvider;
import org.autodidact.api.PromptSourceProvider.PromptSourceContext;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.TrainerContext;
import org.junit.jupiter.api.Test;

/**
 * The rules of {@link PartProvider} and what extends it, on all that a plugin brings. Extend it and
 * provide the plugin.
 */
public abstract class ProviderRules extends Rules {
  private static final String UNKNOWN = "no-such-option";
  private static final List<String> BAD_TEMPLATES =
      List.of("Judge well.", "Judge well: {instruction}", "Judge well: {response}");

  /** The plugin to test. */
  protected abstract Plugin plugin();

  /**
   * Options that the part can be opened with; by default none. For a {@link
   * org.autodidact.api.Secret} name an environment variable that every machine has: {@code
   * ${PATH}}.
   */
  protected Map<String, String> options(PartProvider provider) {
    return Map.of();
  }

  /** A checkpoint that the generator can open and answer with; empty: no generator is opened. */
  protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
    return Optional.empty();
  }

  /**
   * The context that a judge is opened with; override it for one that needs members or a model of
   * its own.
   */
  protected JudgeContext context(
      JudgeProvider provider, Generator generator, Optional<String> template, PartOptions options) {
    return new JudgeContext(
        generator,
        SamplingParameters.candidates(20),
        template,
        List.of(),
        Optional.empty(),
        options);
  }

  private Map<String, List<? extends PartProvider>> parts() {
    Plugin plugin = plugin();
    Map<String, List<? extends PartProvider>> parts = new LinkedHashMap<>();
    parts.put("generator", plugin.generators());
    parts.put("judge", plugin.judges());
    parts.put("pair selector", plugin.pairSelectors());
    parts.put("trainer", plugin.trainers());
    parts.put("prompt filter", plugin.promptFilters());
    parts.put("prompt source", plugin.promptSources());
    return parts;
  }

  private List<PartProvider> providers() {
    List<PartProvider> all = new ArrayList<>();
    parts()
        .forEach(
            (kind, list) -> {
              check(list != null, Rule.V1, "the plugin's " + kind + "s", "a list", "null");
              all.addAll(list);
            });
    return all;
  }

  private static String shown(PartProvider provider) {
    return "the part '" + provider.name() + "'";
  }

  private static String shown(PartProvider provider, Map<String, String> options) {
    return shown(provider) + " with the options " + options;
  }

  private PartOptions given(PartProvider provider) {
    return PartOptions.of(options(provider));
  }

  private static ComputeSettings compute() {
    return ComputeSettings.automatic();
  }

  private static GeneratorContext context(Checkpoint checkpoint, PartOptions options) {
    return new GeneratorContext(
        checkpoint, compute(), options, Clock.systemDefaultZone(), new Cancellation());
  }

  private Judge open(JudgeProvider provider, Generator generator, PartOptions options) {
    return provider.open(context(provider, generator, Optional.empty(), options));
  }

  /** Opens the part and closes it; false where it cannot be, as a generator without a model. */
  private boolean openAndClose(PartProvider provider, PartOptions options) {
    if (provider instanceof GeneratorProvider p) {
      Optional<Checkpoint> checkpoint = checkpoint(p);
      if (checkpoint.isEmpty()
          && !p.capabilities().contains(GeneratorCapability.MODEL_REFERENCES)) {
        return false;
      }
      p.open(context(checkpoint.orElse(Checkpoint.reference("M0", "a-model")), options)).close();
    } else if (provider instanceof JudgeProvider p) {
      open(p, new StandInGenerator(), options).close();
    } else if (provider instanceof PairSelectorProvider p) {
      Objects.requireNonNull(p.create(new SelectorSettings(1, 0.1, 1, options)));
    } else if (provider instanceof TrainerProvider p) {
      Objects.requireNonNull(p.create(new TrainerContext(compute(), options)));
    } else if (provider instanceof PromptFilterProvider p) {
      Objects.requireNonNull(p.create(new FilterSettings(1, 100, List.of("word"), "en", options)));
    } else if (provider instanceof PromptSourceProvider p) {
      Objects.requireNonNull(p.open(new PromptSourceContext(1, options)));
    }
    return true;
  }

  @Test
  public void V1_namesAreLegal() {
    Plugin plugin = plugin();
    check(
        plugin.name() != null && !plugin.name().isBlank(),
        Rule.V1,
        "Plugin.name()",
        "a name",
        plugin.name());
    check(plugin.version() != null, Rule.V1, "Plugin.version()", "a version or ''", "null");
    check(plugin.diagnose() != null, Rule.V1, "Plugin.diagnose()", "a list", "null");
    check(!providers().isEmpty(), Rule.V1, "the plugin", "at least one part", "none");
    parts()
        .forEach(
            (kind, list) -> {
              Set<String> names = new HashSet<>();
              for (PartProvider provider : list) {
                String request = "the name of a " + kind;
                check(provider != null, Rule.V1, request, "a provider", "null");
                check(
                    provider.name() != null && provider.name().matches("[a-z0-9]+(-[a-z0-9]+)*"),
                    Rule.V1,
                    request,
                    "lower-case letters, digits and hyphens",
                    provider.name());
                check(
                    names.add(provider.name()),
                    Rule.V1,
                    request,
                    "another name than those before",
                    provider.name());
                check(
                    provider.optionsType() != null,
                    Rule.V1,
                    shown(provider) + ", optionsType()",
                    "a record's class",
                    "null");
              }
            });
  }

  @Test
  public void V2_optionsAreReadAndRefusedByName() {
    for (PartProvider provider : providers()) {
      Map<String, String> valid = options(provider);
      String request = shown(provider, valid);
      call(Rule.V2, request, () -> given(provider).read(provider.optionsType()));
      boolean[] opened = new boolean[1];
      call(Rule.V2, request, () -> opened[0] = openAndClose(provider, given(provider)));
      if (provider.optionsType() == PartOptions.None.class) {
        continue; // the engine refuses all
      }
      refused(provider, changed(valid, UNKNOWN, "x"), UNKNOWN, opened[0]);
      for (RecordComponent component : provider.optionsType().getRecordComponents()) {
        String key = Settings.key(component.getName());
        Setting setting = component.getAnnotation(Setting.class);
        check(
            setting != null,
            Rule.V2,
            shown(provider) + ", option '" + key + "'",
            "a @Setting that says what it means",
            "none");
        if (component.getType() != Optional.class && setting.byDefault().isEmpty()) {
          Map<String, String> without = new HashMap<>(valid);
          without.remove(key);
          refused(provider, without, key, opened[0]);
        }
        if (isNumber(component)) {
          refused(provider, changed(valid, key, "not-a-number"), key, opened[0]);
        }
      }
    }
  }

  private static boolean isNumber(RecordComponent component) {
    return Set.of(int.class, long.class, double.class, boolean.class).contains(component.getType());
  }

  private static Map<String, String> changed(
      Map<String, String> options, String key, String value) {
    Map<String, String> changed = new HashMap<>(options);
    changed.put(key, value);
    return changed;
  }

  private void refused(
      PartProvider provider, Map<String, String> options, String key, boolean canOpen) {
    if (!canOpen) {
      return;
    }
    String request = shown(provider, options);
    InvalidInputException found =
        thrown(
            Rule.V2,
            request,
            InvalidInputException.class,
            () -> openAndClose(provider, PartOptions.of(options)));
    check(
        found.getMessage().contains(key),
        Rule.V2,
        request,
        "a message that names '" + key + "'",
        found.getMessage());
  }

  @Test
  public void V3_whatIsOpenedSharesNothing() {
    for (PartProvider provider : providers()) {
      PartOptions options = given(provider);
      if (provider instanceof JudgeProvider p) {
        String request = shown(p) + ", opened twice, the first closed";
        call(
            Rule.V3,
            request,
            () -> {
              Judge first = open(p, new StandInGenerator(), options);
              try (Judge second = open(p, new StandInGenerator(), options)) {
                first.close();
                JudgeRules.judge(second, JudgeRules.requests(2), Rule.V3);
              }
            });
      } else if (provider instanceof GeneratorProvider p && checkpoint(p).isPresent()) {
        GenerationRequest one =
            new GenerationRequest(
                Prompt.of("p", "Say."), List.of(1L), SamplingParameters.greedy(1));
        String request = shown(p) + ", opened twice, the first closed, then " + Shown.of(one);
        List<Object> found = new ArrayList<>();
        call(
            Rule.V3,
            request,
            () -> {
              Generator first = p.open(context(checkpoint(p).orElseThrow(), options));
              try (Generator second = p.open(context(checkpoint(p).orElseThrow(), options))) {
                first.close();
                second.generate(List.of(one), found::add, new Cancellation());
              }
            });
        check(found.size() == 1, Rule.V3, request, "one result", found.size() + " results");
      } else {
        call(
            Rule.V3,
            shown(provider) + ", opened twice",
            () -> {
              openAndClose(provider, options);
              openAndClose(provider, options);
            });
      }
    }
  }

  @Test
  public void V4_openingAJudgeAsksNothing() {
    for (JudgeProvider provider : plugin().judges()) {
      StandInGenerator generator = new StandInGenerator();
      String request = shown(provider) + ", opened and closed";
      call(Rule.V4, request, () -> open(provider, generator, given(provider)).close());
      check(
          generator.asked() == 0,
          Rule.V4,
          request,
          "no request to the generator",
          generator.asked() + " requests");
    }
  }

  @Test
  public void V5_aBadTemplateIsRefused() {
    for (JudgeProvider provider : plugin().judges()) {
      for (String template : BAD_TEMPLATES) {
        StandInGenerator generator = new StandInGenerator();
        String request = shown(provider) + " with the template " + Shown.text(template);
        try (Judge judge =
            provider.open(context(provider, generator, Optional.of(template), given(provider)))) {
          JudgeRules.judge(judge, JudgeRules.requests(1), Rule.V5);
        } catch (InvalidInputException refused) {
          continue;
        }
        check(
            !generator.wasShown("Judge well"),
            Rule.V5,
            request,
            "an InvalidInputException, or a judge that does not show it to its model",
            "it showed it to its model");
      }
    }
  }

  @Test
  public void V6_capabilitiesAreTrue() {
    for (GeneratorProvider provider : plugin().generators()) {
      Set<GeneratorCapability> can = provider.capabilities();
      check(can != null, Rule.V6, shown(provider) + ", capabilities()", "a set", "null");
      GeneratorContext reference = context(Checkpoint.reference("M0", "a-model"), given(provider));
      String request = shown(provider) + ", the reference 'a-model'";
      if (can.contains(GeneratorCapability.MODEL_REFERENCES)) {
        call(Rule.V6, request, () -> provider.check(reference));
      } else {
        thrown(Rule.V6, request, AutodidactException.class, () -> provider.open(reference).close());
      }
      checkpoint(provider)
          .ifPresent(
              checkpoint -> {
                String opened = shown(provider) + ", opened with " + checkpoint;
                call(Rule.V6, opened, () -> provider.check(context(checkpoint, given(provider))));
                boolean[] scores = new boolean[1];
                call(
                    Rule.V6,
                    opened,
                    () -> {
                      try (Generator generator =
                          provider.open(context(checkpoint, given(provider)))) {
                        scores[0] = generator.scorer().isPresent();
                      }
                    });
                check(
                    scores[0] == can.contains(GeneratorCapability.SCORES),
                    Rule.V6,
                    opened,
                    can.contains(GeneratorCapability.SCORES)
                        ? "a scorer, as it says SCORES"
                        : "no scorer, as it does not say SCORES",
                    scores[0] ? "a scorer" : "none");
              });
    }
    for (TrainerProvider provider : plugin().trainers()) {
      check(
          provider.capabilities() != null && !provider.capabilities().losses().isEmpty(),
          Rule.V6,
          shown(provider) + ", capabilities()",
          "at least one loss",
          provider.capabilities());
    }
  }
}
