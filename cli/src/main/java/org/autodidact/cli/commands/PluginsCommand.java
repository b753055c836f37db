package org.autodidact.cli.commands;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PromptFilterProvider;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainerProvider;
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
      print(plugin, "generator", plugin.generators().stream().map(GeneratorProvider::name));
      print(plugin, "judge", plugin.judges().stream().map(JudgeProvider::name));
      print(plugin, "selector", plugin.pairSelectors().stream().map(PairSelectorProvider::name));
      print(plugin, "trainer", plugin.trainers().stream().map(TrainerProvider::name));
      print(plugin, "filter", plugin.promptFilters().stream().map(PromptFilterProvider::name));
    }
    for (Plugins.Broken broken : plugins.broken()) {
      System.out.println("broken     " + ShownText.of(broken.where() + ": " + broken.why(), WIDTH));
    }
    return 0;
  }

  private static void print(Plugin plugin, String kind, Stream<String> names) {
    names.forEach(
        name ->
            System.out.printf(
                Locale.ROOT, "%-10s %-16s (%s)%n", kind, name, ShownText.of(plugin.name())));
  }
}
