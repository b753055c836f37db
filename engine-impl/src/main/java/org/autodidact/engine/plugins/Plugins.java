package org.autodidact.engine.plugins;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
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
import org.autodidact.api.PartOptions;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PluginNotFoundException;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.PromptFilterProvider;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.PromptSourceProvider;
import org.autodidact.api.Scorer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.engine.plugins.rules.CheckedGenerator;
import org.autodidact.engine.plugins.rules.CheckedJudge;
import org.autodidact.engine.plugins.rules.CheckedPairSelector;
import org.autodidact.engine.plugins.rules.CheckedTrainer;
import org.autodidact.engine.text.Suggestions;

/**
 * The plugins at hand, looked up by name. What they open is held to its interface's rules, as far
 * as these can be seen from outside, by {@link org.autodidact.api.RuleBrokenException}. Immutable
 * and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class Plugins {
  /** More errors than any class path has jars: the search ends. */
  private static final int MOST_BROKEN = 100;

  private static final String SERVICE = "META-INF/services/" + Plugin.class.getName();

  private final List<Plugin> plugins;
  private final List<Broken> broken;
  private final Map<String, GeneratorProvider> generators;
  private final Map<String, JudgeProvider> judges;
  private final Map<String, PairSelectorProvider> pairSelectors;
  private final Map<String, TrainerProvider> trainers;
  private final Map<String, PromptFilterProvider> promptFilters;
  private final Map<String, PromptSourceProvider> promptSources;
  private final Map<PartProvider, Plugin> owners = new IdentityHashMap<>();

  /**
   * A plugin that cannot be used.
   *
   * @param where its jar, or its name
   * @param why in a line
   */
  public record Broken(String where, String why) {}

  private Plugins(List<Plugin> found, List<Broken> notLoaded) {
    this.broken = new ArrayList<>(notLoaded);
    this.plugins = found.stream().filter(this::isUsable).toList();
    generators = index("generator", Plugin::generators, CheckedGenerator::provider);
    judges = index("judge", Plugin::judges, CheckedJudge::provider);
    pairSelectors = index("pair selector", Plugin::pairSelectors, CheckedPairSelector::provider);
    trainers = index("trainer", Plugin::trainers, CheckedTrainer::provider);
    promptFilters = index("prompt filter", Plugin::promptFilters, p -> p);
    promptSources = index("prompt source", Plugin::promptSources, p -> p);
  }

  /**
   * The built-in plugin, then those that {@link ServiceLoader} finds, then {@code more}. One that
   * cannot be loaded is in {@link #broken()}, and does not disturb those who do not name it.
   */
  public static Plugins discover(Collection<? extends Plugin> more) {
    List<Plugin> plugins = new ArrayList<>();
    plugins.add(new BuiltInPlugin());
    Map<String, Plugin> found = new LinkedHashMap<>();
    Map<String, Broken> broken = new LinkedHashMap<>();
    for (ClassLoader loader : loaders()) {
      Iterator<Plugin> all = ServiceLoader.load(Plugin.class, loader).iterator();
      while (broken.size() < MOST_BROKEN) {
        try {
          if (!all.hasNext()) {
            break;
          }
          Plugin plugin = all.next();
          found.putIfAbsent(plugin.getClass().getName(), plugin);
        } catch (ServiceConfigurationError | LinkageError e) {
          broken.putIfAbsent(String.valueOf(e.getMessage()), broken(loader, e));
        }
      }
    }
    plugins.addAll(found.values());
    plugins.addAll(more);
    return new Plugins(plugins, List.copyOf(broken.values()));
  }

  private static Broken broken(ClassLoader loader, Throwable e) {
    String why = e.getMessage() + (e.getCause() == null ? "" : ": " + e.getCause());
    return new Broken(jar(loader, String.valueOf(e.getMessage())), why);
  }

  /** The jar whose service file names a class that the message contains. */
  private static String jar(ClassLoader loader, String message) {
    try {
      for (URL file : Collections.list(loader.getResources(SERVICE))) {
        try (InputStream in = file.openStream()) {
          String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
          if (message.contains(file.toString())
              || text.lines()
                  .map(String::strip)
                  .anyMatch(l -> !l.isEmpty() && message.contains(l))) {
            return file.toString().replaceFirst("^jar:", "").replaceFirst("!.*$", "");
          }
        }
      }
    } catch (IOException e) {
      return "a jar of the class path (" + e + ")";
    }
    return "a jar of the class path";
  }

  /** Whether a plugin lists what it brings; one for another version of the engine may fail. */
  private boolean isUsable(Plugin plugin) {
    try {
      plugin.name();
      plugin.generators().forEach(GeneratorProvider::name);
      plugin.judges().forEach(JudgeProvider::name);
      plugin.pairSelectors().forEach(PairSelectorProvider::name);
      plugin.trainers().forEach(TrainerProvider::name);
      plugin.promptFilters().forEach(PromptFilterProvider::name);
      plugin.promptSources().forEach(PromptSourceProvider::name);
      plugin.version();
      return true;
    } catch (RuntimeException | LinkageError e) {
      broken.add(new Broken(plugin.getClass().getName(), "does not say what it brings: " + e));
      return false;
    }
  }

  /** The plugins that were found and cannot be used. */
  public List<Broken> broken() {
    return List.copyOf(broken);
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
              context.model(),
              PartOptions.none()));
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
   *
   * @param scores whether the model will have a scorer
   */
  public record NoGenerator(boolean scores) implements Generator {
    @Override
    public void generate(
        List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
      throw new IllegalStateException("a judge may not generate before it is asked to judge");
    }

    @Override
    public Optional<Scorer> scorer() {
      Scorer scorer =
          (requests, results, cancellation) -> generate(List.of(), g -> {}, cancellation);
      return scores ? Optional.of(scorer) : Optional.empty();
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
              context.model(),
              context.options()));
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

  public PromptFilterProvider promptFilter(String name) {
    return find("prompt filter", promptFilters, name);
  }

  public PromptSourceProvider promptSource(String name) {
    return find("prompt source", promptSources, name);
  }

  /** Filters by name, in the order of the names; {@code settings} are those of a name. */
  public Map<String, PromptFilter> promptFilters(
      List<String> names, Function<String, FilterSettings> settings) {
    Map<String, PromptFilter> filters = new LinkedHashMap<>();
    names.forEach(n -> filters.put(n, promptFilter(n).create(settings.apply(n))));
    return filters;
  }

  /** The plugin that brings a part, and its version where it has one: {@code mine 1.2}. */
  public String owner(PartProvider provider) {
    Plugin plugin = owners.get(provider);
    return (plugin.name() + " " + plugin.version()).strip();
  }

  private <T extends PartProvider> Map<String, T> index(
      String kind, Function<Plugin, List<T>> list, UnaryOperator<T> checked) {
    Map<String, T> byName = new TreeMap<>();
    for (Plugin plugin : plugins) {
      for (T provider : list.apply(plugin)) {
        String name = provider.name();
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
        T usable = checked.apply(provider);
        owners.put(usable, plugin);
        if (byName.put(name, usable) != null) {
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

  private <T> T find(String kind, Map<String, T> byName, String name) {
    T found = byName.get(name);
    if (found == null) {
      throw new PluginNotFoundException(
          "no "
              + kind
              + " is named '"
              + name
              + "'"
              + Suggestions.hint(name, byName.keySet())
              + broken.stream()
                  .map(b -> "; a plugin cannot be used: " + b.where() + ": " + b.why())
                  .findFirst()
                  .orElse("")
              + "; there are: "
              + byName.keySet()
              + ". A plugin's jar must be on the class path and name itself in "
              + SERVICE);
    }
    return found;
  }
}
