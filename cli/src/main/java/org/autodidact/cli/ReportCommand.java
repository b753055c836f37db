package org.autodidact.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.RunStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "report",
    description =
        "Writes a run, finished or not, as one HTML file that opens offline: RUN/report.html.",
    mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "the run's folder")
  private Path run;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    try (RunStore store = RunStore.openExisting(run)) {
      Path file = HtmlReport.write(store);
      report.put("report", file.toString()).print("the report is in " + file);
    }
    return 0;
  }
}
