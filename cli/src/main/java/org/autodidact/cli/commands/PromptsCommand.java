package org.autodidact.cli.commands;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.prompts.SelfInstruct;
import org.autodidact.engine.store.Provenance;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

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
      mixinStandardHelpOptions = true)
  static final class Create implements Callable<Integer> {
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

    @Option(names = "--seed-shots", description = "seeds shown (default: 6)")
    private Integer seedShots;

    @Option(names = "--own-shots", description = "made prompts shown (default: 2)")
    private Integer ownShots;

    @Option(names = "--similarity", description = "the highest ROUGE-L F1 allowed (default: 0.7)")
    private Double similarity;

    @Option(names = "--temperature", description = "default: 0.6")
    private Double temperature;

    @Option(names = "--top-p", description = "default: 0.9")
    private Double topP;

    @Option(names = "--max-tokens", description = "tokens of a prompt at most (default: 128)")
    private Integer maxTokens;

    @Option(
        names = "--filters",
        split = ",",
        paramLabel = "NAME",
        description = "default: length,keywords; 'plugins' lists them")
    private List<String> filters;

    @Option(names = "--min-words", description = "default: 3")
    private Integer minWords;

    @Option(names = "--max-words", description = "default: 150")
    private Integer maxWords;

    @Option(
        names = "--keywords",
        split = ",",
        paramLabel = "WORD",
        description = "words that no prompt has (default: image, file, video and so on)")
    private List<String> keywords;

    @Option(names = "--language", description = "of the filter 'language' (default: en)")
    private String language;

    @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
    private long seed;

    @Option(
        names = "--generator",
        defaultValue = "onnxruntime",
        description = "default: ${DEFAULT-VALUE}")
    private String generator;

    @Mixin private JsonReport report;

    @Override
    public Integer call() {
      Plugins plugins = Plugins.discover(List.of());
      RunConfig.Creation section =
          new RunConfig.Creation(
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              seedShots,
              ownShots,
              similarity,
              temperature,
              topP,
              maxTokens,
              filters,
              minWords,
              maxWords,
              keywords,
              language);
      Path attempts = beside(".attempts");
      boolean goesOn = goesOn(section);
      List<Prompt> excluded = exclude == null ? List.of() : JsonLines.instructions(exclude);
      SelfInstruct maker =
          new SelfInstruct(
              "made-",
              section.settings(),
              JsonLines.instructions(seeds),
              excluded,
              plugins.promptFilters(section.filters(), section.filterSettings()),
              seed);
      Progress progress = new Progress();
      List<CreatedPrompt> all = new ArrayList<>();
      int[] kept = {0};
      try (TokenCountingGenerator opened = model.open(plugins, generator);
          OrderedLines lines = goesOn ? OrderedLines.goOn(output) : new OrderedLines(output);
          OrderedLines allLines =
              goesOn ? OrderedLines.goOn(attempts) : new OrderedLines(attempts)) {
        double startup = JsonReport.sinceStart();
        long start = System.nanoTime();
        Consumer<List<CreatedPrompt>> write =
            round -> {
              for (CreatedPrompt created : round) {
                allLines.put(all.size(), line(created, true));
                all.add(created);
                if (created.kept()) {
                  lines.put(kept[0]++, line(created, false));
                }
              }
            };
        if (goesOn && allLines.written() > 0) {
          List<CreatedPrompt> before = SelfInstruct.wholeRounds(read(attempts), count);
          maker.take(before);
          write.accept(before);
        }
        progress.begin("prompts", kept[0], count);
        SignalHandling.guard(
            cancellation -> {
              maker.create(
                  count,
                  opened,
                  round -> {
                    write.accept(round);
                    progress.progressed(kept[0], count);
                  },
                  cancellation);
              return true;
            });
        progress.finish();
        report.work(opened.tokens(), (System.nanoTime() - start) / 1e9, startup);
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
    private boolean goesOn(RunConfig.Creation section) {
      Map<String, Object> how = new LinkedHashMap<>();
      how.put("model", model.checkpoint().folder().toAbsolutePath().normalize().toString());
      how.put("precision", EnumNames.of(model.compute().precision()));
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
