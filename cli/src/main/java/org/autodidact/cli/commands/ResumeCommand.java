package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.autodidact.api.Checkpoint;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.output.RunSummary;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.Autodidact;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "resume",
    description = "Goes on with a run that was cut off; nothing finished is computed again.",
    mixinStandardHelpOptions = true)
public final class ResumeCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "the run's folder")
  private Path run;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    Autodidact engine = Autodidact.builder().listener(new Progress()).build();
    report.startWork();
    Checkpoint last = SignalHandling.guard(c -> engine.resume(run, c));
    RunSummary.print(run, last, report);
    return 0;
  }
}
