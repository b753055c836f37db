package org.autodidact.spark.executor;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;

/**
 * The generators of the other plugins on the class path, of the driver or of an executor. A plugin
 * that a host hands to its engine is not among them: no executor would find it.
 */
public final class Delegates {
  /** The name of this plugin, whose own generators are no delegates. */
  public static final String SPARK = "spark";

  /** More errors than any class path has jars: the search ends. */
  private static final int MOST_BROKEN = 100;

  private Delegates() {}

  /** A generator, and the plugin that brings it. */
  public record Delegate(Plugin plugin, GeneratorProvider provider) {}

  /** All of them; a plugin that cannot be used is left out. */
  public static List<Delegate> all() {
    List<Delegate> all = new ArrayList<>();
    for (Plugin plugin : plugins()) {
      try {
        if (!plugin.name().equals(SPARK)) {
          plugin.generators().forEach(provider -> all.add(new Delegate(plugin, provider)));
        }
      } catch (RuntimeException | LinkageError e) {
        // The engine itself says of the plugin why it cannot be used.
        continue;
      }
    }
    return all;
  }

  /** The generator of a name. */
  public static Optional<Delegate> find(String name) {
    return all().stream().filter(d -> d.provider().name().equals(name)).findFirst();
  }

  /** By the thread's class loader, which has what an application brings, and by our own. */
  private static List<Plugin> plugins() {
    Map<String, Plugin> found = new LinkedHashMap<>();
    List<ClassLoader> loaders = new ArrayList<>();
    Optional.ofNullable(Thread.currentThread().getContextClassLoader()).ifPresent(loaders::add);
    loaders.add(Delegates.class.getClassLoader());
    for (ClassLoader loader : loaders) {
      Iterator<Plugin> plugins = ServiceLoader.load(Plugin.class, loader).iterator();
      for (int broken = 0; broken < MOST_BROKEN; ) {
        try {
          if (!plugins.hasNext()) {
            break;
          }
          Plugin plugin = plugins.next();
          found.putIfAbsent(plugin.getClass().getName(), plugin);
        } catch (ServiceConfigurationError | LinkageError e) {
          broken++;
        }
      }
    }
    return List.copyOf(found.values());
  }
}
