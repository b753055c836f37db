package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.Generator;
import org.autodidact.api.TrainingExample;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.MetricsTable;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.data.Examples;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.evaluation.Perplexity;
import org.autodidact.engine.plugins.Plugins;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "perplexity",
    description = "Says how well a model foresees given answers.",
    mixinStandardHelpOptions = true)
final class PerplexityCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "IN.jsonl",
      description =
          "{\"messages\"} or {\"prompt\", \"response\"} a line, or as 'train sft' reads them")
  private Path data;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    List<TrainingExample> examples = JsonLines.read(data, Examples::demonstration);
    try (Generator opened = model.open(Plugins.discover(List.of()))) {
      Map<String, Double> metrics =
          SignalHandling.guard(cancellation -> Perplexity.of(examples, opened, cancellation));
      MetricsTable.print(metrics, report);
    }
    return 0;
  }
}
