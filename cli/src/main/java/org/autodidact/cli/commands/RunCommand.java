package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.Checkpoint;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.output.RunSummary;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "run",
    description = "Runs the loop: M0 is fine-tuned into M1, M1 teaches M2, M2 teaches M3.",
    mixinStandardHelpOptions = true)
public final class RunCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "CONFIG",
      description = "the run's YAML or JSON file; docs/configuration.md has every key")
  private Path config;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "RUN",
      description = "the run's folder; M1, M2, … appear in it")
  private Path output;

  @Option(names = "--model", paramLabel = "M", description = "instead of the file's 'model'")
  private Path model;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "instead of the file's value, for any key: --set judge.samples=5")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    if (model != null) {
      overrides.put("model", model.toString());
    }
    RunConfig read = ConfigFile.read(config, overrides);
    Autodidact engine = Autodidact.builder().listener(new Progress()).build();
    report.startWork();
    Checkpoint last = SignalHandling.guard(c -> engine.run(read, output, c));
    RunSummary.print(output, last, report);
    return 0;
  }
}
