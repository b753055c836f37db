package org.autodidact.cli.commands;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.ShownText;
import org.autodidact.engine.config.DeclaredOption;
import org.autodidact.engine.plugins.Plugins;
import picocli.CommandLine.Command;

@Command(
    name = "plugins",
    description = "Lists what can be named.",
    mixinStandardHelpOptions = true)
public final class PluginsCommand implements Callable<Integer> {
  /** Characters of a line of a plugin. */
  private static final int WIDTH = 400;

  @Override
  public Integer call() {
    Plugins plugins = Plugins.discover(List.of());
    for (Plugin plugin : plugins.all()) {
      print(plugin, "generator", plugin.generators());
      print(plugin, "judge", plugin.judges());
      print(plugin, "selector", plugin.pairSelectors());
      print(plugin, "trainer", plugin.trainers());
      print(plugin, "filter", plugin.promptFilters());
      print(plugin, "prompts", plugin.promptSources());
    }
    for (Plugins.Broken broken : plugins.broken()) {
      System.out.println("broken     " + ShownText.of(broken.where() + ": " + broken.why(), WIDTH));
    }
    return 0;
  }

  private static void print(Plugin plugin, String kind, List<? extends PartProvider> providers) {
    String from = (plugin.name() + " " + plugin.version()).strip();
    for (PartProvider provider : providers) {
      System.out.printf(
          Locale.ROOT, "%-10s %-16s (%s)%n", kind, provider.name(), ShownText.of(from));
      for (DeclaredOption option : DeclaredOption.of(provider.optionsType(), "")) {
        System.out.printf(
            Locale.ROOT,
            "%-12s%s: %s%s%n",
            "",
            option.key(),
            option.setting().value(),
            option.setting().byDefault().isEmpty()
                ? ""
                : " (default: " + option.setting().byDefault() + ")");
      }
    }
  }
}
