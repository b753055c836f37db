package org.autodidact.cli;

import java.io.PrintWriter;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.CancelledException;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingDivergedException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code autodidact}: parses, runs one command, turns failures into one line and an exit code. */
@Command(
    name = "autodidact",
    description =
        "A language model that learns by its own judgement: a checkpoint goes in, better ones come out.",
    mixinStandardHelpOptions = true,
    version = "autodidact 0.1.0-SNAPSHOT",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      RunCommand.class,
      ResumeCommand.class,
      PromptsCommand.class,
      EftCommand.class,
      GenerateCommand.class,
      JudgeCommand.class,
      TrainCommand.class,
      EvaluateCommand.class,
      ImportCommand.class,
      ExportCommand.class,
      ReportCommand.class,
      PluginsCommand.class,
      DoctorCommand.class
    },
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a failure that nobody foresaw; the stack trace is of use to us",
      "2:the command line is wrong",
      "3:what was given cannot be used: a file, a setting, a model, a name",
      "4:reading or writing failed: a full disk, a missing permission",
      "5:training diverged: loss or gradient is not a number",
      "130:cancelled by Ctrl-C; 'resume' goes on"
    })
public final class Main {
  /** When the JVM started, for start-up times. */
  static final long STARTED =
      java.lang.management.ManagementFactory.getRuntimeMXBean().getStartTime();

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(execute(arguments));
  }

  /** Runs a command line and gives its exit code. */
  static int execute(String... arguments) {
    CommandLine line = new CommandLine(new Main());
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          PrintWriter err = command.getErr();
          if (e instanceof AutodidactException) {
            err.println("autodidact: " + e.getMessage());
          } else {
            e.printStackTrace(err);
          }
          err.flush();
          return exitCode(e);
        });
    return line.execute(arguments);
  }

  private static int exitCode(Exception e) {
    if (e instanceof CancelledException) {
      return Interrupt.CANCELLED;
    }
    if (e instanceof TrainingDivergedException) {
      return 5;
    }
    if (e instanceof StorageException) {
      return 4;
    }
    return e instanceof AutodidactException ? 3 : 1;
  }
}
