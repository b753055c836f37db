package org.autodidact.cli.commands;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.Settings;
import org.autodidact.cli.options.DeclaredOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.DeclaredOption;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.prompts.SelfInstruct;
import org.autodidact.engine.store.Provenance;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "prompts",
    description = "Makes prompts.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = PromptsCommand.Create.class)
public final class PromptsCommand {

  @Command(
      name = "create",
      description =
          "A model makes up prompts after examples (self-instruct); what the filters let through is"
              + " kept. Stopped and called again it goes on. A run does the same by"
              + " prompts.self-instruct.",
      mixinStandardHelpOptions = true,
      modelTransformer = DeclaredOptions.Prompts.class)
  static final class Create implements Callable<Integer> {
    @Spec private CommandSpec command;
    @Mixin private ModelOptions model;

    @Option(
        names = "--seeds",
        required = true,
        paramLabel = "IN.jsonl",
        description =
            "prompts that people wrote: {\"prompt\"}, {\"instruction\"} or {\"messages\"}")
    private Path seeds;

    @Option(
        names = "--output",
        required = true,
        paramLabel = "OUT.jsonl",
        description =
            "the prompts that were kept: {\"id\", \"prompt\", \"shots\"}; beside it .attempts, every"
                + " attempt and what became of it, and .provenance, how they were made")
    private Path output;

    @Option(
        names = "--exclude",
        paramLabel = "IN.jsonl",
        description = "prompts that none may be like, as those of an evaluation")
    private Path exclude;

    @Option(
        names = "--count",
        defaultValue = "64",
        description = "prompts to keep (default: ${DEFAULT-VALUE})")
    private int count;

    @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
    private long seed;

    @Mixin private JsonReport report;

    @Override
    public Integer call() {
      Plugins plugins = Plugins.discover(List.of());
      RunConfig.SelfInstructSettings section =
          Settings.create(
              RunConfig.SelfInstructSettings.class,
              DeclaredOptions.values(
                  command,
                  DeclaredOption.of(RunConfig.SelfInstructSettings.class, ""),
                  DeclaredOption::component));
      Path attempts = beside(".attempts");
      boolean goesOn = goesOn(section);
      List<Prompt> excluded = exclude == null ? List.of() : JsonLines.instructions(exclude);
      SelfInstruct maker =
          new SelfInstruct(
              "made-",
              section.settings(),
              JsonLines.instructions(seeds),
              excluded,
              plugins.promptFilters(section.filters(), section::filterSettings),
              seed);
      Progress progress = new Progress();
      List<CreatedPrompt> all = new ArrayList<>();
      int[] kept = {0};
      try (TokenCountingGenerator opened = model.open(plugins);
          OrderedLines lines = goesOn ? OrderedLines.goOn(output) : new OrderedLines(output);
          OrderedLines allLines =
              goesOn ? OrderedLines.goOn(attempts) : new OrderedLines(attempts)) {
        report.startWork();
        Consumer<List<CreatedPrompt>> write =
            attempted -> {
              for (CreatedPrompt created : attempted) {
                allLines.put(all.size(), line(created, true));
                all.add(created);
                if (created.kept()) {
                  lines.put(kept[0]++, line(created, false));
                }
              }
            };
        if (goesOn && allLines.written() > 0) {
          List<CreatedPrompt> before = SelfInstruct.wholeBatches(read(attempts), count);
          maker.restore(before);
          write.accept(before);
        }
        progress.begin("prompts", kept[0], count);
        SignalHandling.guard(
            cancellation -> {
              maker.create(
                  count,
                  opened,
                  attempted -> {
                    write.accept(attempted);
                    progress.progressed(kept[0], count);
                  },
                  cancellation);
              return true;
            });
        progress.finish();
        report.work(opened.tokens());
      }
      Map<String, Integer> rejected = maker.rejected(all);
      report
          .put("attempts", all.size())
          .put("kept", kept[0])
          .put("rejected", rejected)
          .print(table(rejected, all.size()));
      return 0;
    }

    private Path beside(String suffix) {
      return output.resolveSibling(output.getFileName() + suffix);
    }

    /**
     * Whether there are attempts already, made in the same way; those made in another are not
     * written over.
     */
    private boolean goesOn(RunConfig.SelfInstructSettings section) {
      Map<String, Object> how = new LinkedHashMap<>();
      Checkpoint author = model.checkpoint(Plugins.discover(List.of()));
      how.put(
          "model",
          author.isReference()
              ? author.location()
              : author.folder().toAbsolutePath().normalize().toString());
      how.put("precision", model.compute().precision().name());
      how.put("seeds_sha256", Provenance.hash(seeds));
      how.put("exclude_sha256", exclude == null ? "" : Provenance.hash(exclude));
      how.put("settings", section.toString());
      how.put("count", count);
      how.put("seed", seed);
      Path provenance = beside(".provenance");
      if (!Files.exists(beside(".attempts")) || !Files.exists(provenance)) {
        try (OrderedLines lines = new OrderedLines(provenance)) {
          lines.put(0, how);
        }
        return false;
      }
      List<String> differences =
          ConfigFile.differences(
              JsonLines.read(provenance, l -> l.json().toString()).get(0), JsonReport.text(how));
      if (!differences.isEmpty()) {
        throw new InvalidInputException(
            output
                + ": holds prompts that were made otherwise; name another --output, or delete it and"
                + " what is beside it. What differs, there and given: "
                + differences);
      }
      return true;
    }

    private static List<CreatedPrompt> read(Path attempts) {
      return JsonLines.read(
          attempts,
          line -> {
            List<String> shots = new ArrayList<>();
            line.json().path("shots").forEach(shot -> shots.add(shot.asText()));
            return new CreatedPrompt(
                line.text("id"),
                shots,
                line.json().path("seed").asLong(),
                line.text("prompt"),
                line.text("outcome"));
          });
    }

    private static Map<String, Object> line(CreatedPrompt created, boolean outcome) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("id", created.id());
      line.put("prompt", created.text());
      line.put("shots", created.shots());
      if (outcome) {
        line.put("seed", created.seed());
        line.put("outcome", created.outcome());
      }
      return line;
    }

    private String table(Map<String, Integer> rejected, int attempts) {
      StringBuilder text =
          new StringBuilder(String.format(Locale.ROOT, "%-12s%9s%9s%n", "", "rejected", "let by"));
      int left = attempts;
      for (Map.Entry<String, Integer> filter : rejected.entrySet()) {
        left -= filter.getValue();
        text.append(
            String.format(Locale.ROOT, "%-12s%9d%9d%n", filter.getKey(), filter.getValue(), left));
      }
      return text + "of " + attempts + " attempts " + left + " are kept, in " + output;
    }
  }
}
