package org.autodidact.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PluginNotFoundException;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.PromptFilterProvider;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.Scorer;
import org.autodidact.api.TrainerProvider;

/**
 * The plugins at hand, looked up by name. What they open is held to its interface's rules, as far
 * as these can be seen from outside, by {@link org.autodidact.api.RuleBrokenException}. Immutable
 * and thread-safe.
 */
public final class Plugins {
  private final List<Plugin> plugins;
  private final Map<String, GeneratorProvider> generators;
  private final Map<String, JudgeProvider> judges;
  private final Map<String, PairSelectorProvider> pairSelectors;
  private final Map<String, TrainerProvider> trainers;
  private final Map<String, PromptFilterProvider> promptFilters;

  private Plugins(List<Plugin> plugins) {
    this.plugins = List.copyOf(plugins);
    generators =
        index("generator", Plugin::generators, GeneratorProvider::name, CheckedGenerator::provider);
    judges = index("judge", Plugin::judges, JudgeProvider::name, CheckedJudge::provider);
    pairSelectors =
        index(
            "pair selector",
            Plugin::pairSelectors,
            PairSelectorProvider::name,
            CheckedPairSelector::provider);
    trainers = index("trainer", Plugin::trainers, TrainerProvider::name, CheckedTrainer::provider);
    promptFilters =
        index("prompt filter", Plugin::promptFilters, PromptFilterProvider::name, p -> p);
  }

  /** The built-in plugin, then those that {@link ServiceLoader} finds, then {@code more}. */
  public static Plugins discover(Collection<? extends Plugin> more) {
    List<Plugin> plugins = new ArrayList<>();
    plugins.add(new BuiltInPlugin());
    Map<String, Plugin> found = new LinkedHashMap<>();
    for (ClassLoader loader : loaders()) {
      ServiceLoader.load(Plugin.class, loader)
          .forEach(plugin -> found.putIfAbsent(plugin.getClass().getName(), plugin));
    }
    plugins.addAll(found.values());
    plugins.addAll(more);
    return new Plugins(plugins);
  }

  /** The thread's, and, as in containers that one may not see them, this library's own. */
  private static List<ClassLoader> loaders() {
    ClassLoader own = Plugins.class.getClassLoader();
    ClassLoader ofThread = Thread.currentThread().getContextClassLoader();
    return ofThread == null ? List.of(own) : List.of(ofThread, own);
  }

  public List<Plugin> all() {
    return plugins;
  }

  public GeneratorProvider generator(String name) {
    return find("generator", generators, name);
  }

  public JudgeProvider judge(String name) {
    return find("judge", judges, name);
  }

  private Judge openMember(String of, String name, JudgeContext context) {
    JudgeProvider provider = judge(name);
    try {
      return provider.open(
          new JudgeContext(
              context.generator(),
              context.sampling(),
              Optional.empty(),
              List.of(),
              context.model()));
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "'"
              + name
              + "' cannot be a member of '"
              + of
              + "', where it has neither members nor a template of its own: "
              + e.getMessage(),
          e);
    }
  }

  /**
   * Stands for a model that is not open yet: a judge that is opened with it and closed refuses what
   * it would refuse later, before the work that it is to judge.
   */
  public static final class NoGenerator implements Generator {
    @Override
    public void generate(
        List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
      throw new IllegalStateException("a judge may not generate before it is asked to judge");
    }

    @Override
    public Optional<Scorer> scorer() {
      return Optional.of(
          (requests, results, cancellation) -> generate(List.of(), g -> {}, cancellation));
    }

    @Override
    public void close() {}
  }

  /**
   * Opens a judge, and first those that it is made of; closing it closes them.
   *
   * @param members names of judges; empty for most
   */
  public Judge openJudge(String name, List<String> members, JudgeContext context) {
    JudgeProvider provider = judge(name);
    List<Judge> opened = new ArrayList<>();
    try {
      for (String member : members) {
        opened.add(openMember(name, member, context));
      }
      return provider.open(
          new JudgeContext(
              context.generator(),
              context.sampling(),
              context.template(),
              opened,
              context.model()));
    } catch (RuntimeException | Error e) {
      opened.forEach(Judge::close);
      throw e;
    }
  }

  public PairSelectorProvider pairSelector(String name) {
    return find("pair selector", pairSelectors, name);
  }

  public TrainerProvider trainer(String name) {
    return find("trainer", trainers, name);
  }

  /** Filters by name, in the order of the names. */
  public Map<String, PromptFilter> promptFilters(List<String> names, FilterSettings settings) {
    Map<String, PromptFilter> filters = new LinkedHashMap<>();
    names.forEach(n -> filters.put(n, find("prompt filter", promptFilters, n).create(settings)));
    return filters;
  }

  private <T> Map<String, T> index(
      String kind,
      Function<Plugin, List<T>> list,
      Function<T, String> nameOf,
      UnaryOperator<T> checked) {
    Map<String, T> byName = new TreeMap<>();
    for (Plugin plugin : plugins) {
      for (T provider : list.apply(plugin)) {
        String name = nameOf.apply(provider);
        if (!name.matches("[a-z0-9]+(-[a-z0-9]+)*")) {
          throw new InvalidInputException(
              "plugin '"
                  + plugin.name()
                  + "': the "
                  + kind
                  + " name '"
                  + name
                  + "' must be lower-case letters, digits and hyphens");
        }
        if (byName.put(name, checked.apply(provider)) != null) {
          throw new InvalidInputException(
              "two plugins bring the "
                  + kind
                  + " '"
                  + name
                  + "'; take one of them off the class path (the second is '"
                  + plugin.name()
                  + "')");
        }
      }
    }
    return byName;
  }

  private static <T> T find(String kind, Map<String, T> byName, String name) {
    T found = byName.get(name);
    if (found == null) {
      throw new PluginNotFoundException(
          "no "
              + kind
              + " is named '"
              + name
              + "'"
              + NearNames.hint(name, byName.keySet())
              + "; there are: "
              + byName.keySet()
              + ". A plugin's jar must be on the class path and name itself in META-INF/services/"
              + Plugin.class.getName());
    }
    return found;
  }
}
