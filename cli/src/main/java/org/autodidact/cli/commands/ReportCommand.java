package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.RunStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "report",
    description =
        "Writes a run, finished or at work, as one HTML file that opens offline: RUN/report.html.",
    mixinStandardHelpOptions = true)
public final class ReportCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "the run's folder")
  private Path run;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "the file, where RUN cannot be written (default: RUN/report.html)")
  private Path output;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    try (RunStore store = RunStore.read(run)) {
      Path file = output == null ? HtmlReport.write(store) : HtmlReport.write(store, output);
      report.put("report", file.toString()).print("the report is in " + file);
    }
    return 0;
  }
}
