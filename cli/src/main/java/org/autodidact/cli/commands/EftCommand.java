package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Prompt;
import org.autodidact.cli.options.JudgingOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.data.RankedData;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.eft.EftBuilder;
import org.autodidact.engine.eft.EftExample;
import org.autodidact.engine.eft.EftSplit;
import org.autodidact.engine.judge.JudgeTemplate;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.store.Provenance;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "eft",
    description = "Makes data that teach a model to judge (EFT) from ranked answers.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {EftCommand.Judged.class, EftCommand.FromRanking.class})
public final class EftCommand {

  @Command(
      name = "create",
      description =
          "The paper's way: a model judges the answers, and what agrees with the ranking is kept.",
      mixinStandardHelpOptions = true)
  static final class Judged implements Callable<Integer> {
    @Mixin private ModelOptions model;

    @Mixin private JudgingOptions judging;

    @Mixin private EftOptions options;

    @Override
    public Integer call() {
      EftSplit split = options.split(judging.seed());
      Plugins plugins = Plugins.discover(List.of());
      try (TokenCountingGenerator opened = model.open(plugins);
          Judge judge = judging.open(plugins, opened)) {
        options.report.startWork();
        List<EftExample> examples =
            SignalHandling.guard(
                cancellation ->
                    EftBuilder.fromJudge(
                        split.train(), judge, judging.samples(), judging.seed(), cancellation));
        options.report.work(opened.tokens());
        Map<String, Object> how = new LinkedHashMap<>();
        how.put("made_by", "the judge '" + judging.judge() + "', kept where it agrees");
        Checkpoint own = model.checkpoint(plugins);
        how.put(
            "model", own.isReference() ? own.location() : own.folder().getFileName().toString());
        how.put("draws", judging.samples());
        options.write(split, examples, judging.template(), judging.seed(), how);
      }
      return 0;
    }
  }

  @Command(
      name = "from-ranking",
      description =
          "For a model that writes no judgements yet: the score is the rank, 5 for"
              + " the best answer and 1 for the worst, and nothing justifies it.",
      mixinStandardHelpOptions = true)
  static final class FromRanking implements Callable<Integer> {
    @Mixin private EftOptions options;

    @Option(
        names = "--template",
        paramLabel = "FILE",
        description = "a judge prompt with {instruction} and {response}")
    private Path template;

    @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
    private long seed;

    @Override
    public Integer call() {
      EftSplit split = options.split(seed);
      options.write(
          split,
          EftBuilder.fromRanking(split.train()),
          Optional.ofNullable(template).map(FineTuningData::readText),
          seed,
          new LinkedHashMap<>(Map.of("made_by", "the ranking alone; nobody justified a score")));
      return 0;
    }
  }

  /** The options and the output of both commands. */
  static final class EftOptions {
    @Option(
        names = "--data",
        required = true,
        paramLabel = "RANKED.jsonl",
        description = "ranked answers, as for 'evaluate judge'")
    private Path data;

    @Option(
        names = "--output",
        required = true,
        paramLabel = "DIR",
        description =
            "train.jsonl for 'train sft' and for a run's fine-tuning.eft; held-out.jsonl, ranked"
                + " answers for 'evaluate judge'; provenance.json")
    private Path output;

    @Option(
        names = "--held-out",
        defaultValue = "0.25",
        description = "share of the instructions held out (default: ${DEFAULT-VALUE})")
    private double heldOut;

    @Option(
        names = "--exclude",
        paramLabel = "IN.jsonl",
        description =
            "prompts of an evaluation: no instruction like one is trained on; again allowed")
    private List<Path> exclude = new ArrayList<>();

    @Option(
        names = "--similarity",
        defaultValue = "0.7",
        description = "ROUGE-L F1 above which instructions are alike (default: ${DEFAULT-VALUE})")
    private double similarity;

    @Mixin private JsonReport report;

    /** The SHA-256 of the input data. */
    private String sourceHash;

    EftSplit split(long seed) {
      List<Prompt> excluded = new ArrayList<>();
      sourceHash = Provenance.hash(data);
      exclude.forEach(file -> excluded.addAll(JsonLines.instructions(file)));
      EftSplit split = EftSplit.of(RankedData.read(data), heldOut, excluded, similarity, seed);
      if (split.train().isEmpty()) {
        throw new InvalidInputException(
            data
                + ": no instruction is left to learn from: "
                + split.heldOut().size()
                + " are held out, "
                + split.left()
                + " left out as alike with those or with --exclude; give more data, a lower"
                + " --held-out or a higher --similarity");
      }
      return split;
    }

    void write(
        EftSplit split,
        List<EftExample> made,
        Optional<String> template,
        long seed,
        Map<String, Object> how) {
      List<EftExample> examples = EftBuilder.balanced(made, seed);
      how.put("source_sha256", sourceHash);
      how.put("seed", seed);
      how.put("instructions", split.train().size());
      how.put("held_out", split.heldOut().size());
      how.put("left_out", split.left());
      how.put("agreeing", made.size());
      how.put("examples", examples.size());
      how.put("scores", EftBuilder.counts(examples));
      if (examples.isEmpty()) {
        throw new InvalidInputException(
            "no judgement of "
                + split.train().size()
                + " instructions agrees with the ranking: "
                + JsonReport.text(how)
                + ". Take a model that writes scores, more --samples, or 'eft from-ranking'");
      }
      JudgeTemplate judge = JudgeTemplate.additive(template);
      try (OrderedLines lines = new OrderedLines(output.resolve("train.jsonl"));
          OrderedLines held = new OrderedLines(output.resolve("held-out.jsonl"));
          OrderedLines provenance = new OrderedLines(output.resolve("provenance.json"))) {
        for (int i = 0; i < examples.size(); i++) {
          lines.put(i, line(examples.get(i), judge));
        }
        for (int i = 0; i < split.heldOut().size(); i++) {
          held.put(i, line(split.heldOut().get(i)));
        }
        provenance.put(0, how);
      }
      how.forEach(report::put);
      report.print(
          String.format(
              Locale.ROOT,
              "%d examples of %d instructions, scores %s; %d instructions are held out, %d left out;"
                  + " in %s",
              examples.size(),
              split.train().size(),
              EftBuilder.counts(examples),
              split.heldOut().size(),
              split.left(),
              output));
    }

    /** A line for 'train sft', which a run's fine-tuning.eft can read too. */
    private static Map<String, Object> line(EftExample example, JudgeTemplate judge) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put(
          "messages",
          List.of(
              message("user", judge.fill(example.instruction(), example.response())),
              message("assistant", example.judgement())));
      line.put("instruction", example.instruction());
      line.put("response", example.response());
      line.put("judgement", example.judgement());
      return line;
    }

    private static Map<String, String> message(String role, String content) {
      Map<String, String> message = new LinkedHashMap<>();
      message.put("role", role);
      message.put("content", content);
      return message;
    }

    private static Map<String, Object> line(RankedInstruction ranked) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("instruction", ranked.instruction());
      line.put(
          "responses",
          ranked.answers().stream()
              .map(a -> Map.of("text", a.text(), "preference", a.quality()))
              .toList());
      return line;
    }
  }
}
