package org.autodidact.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.CancelledException;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.cli.commands.CacheCommand;
import org.autodidact.cli.commands.DemoCommand;
import org.autodidact.cli.commands.DoctorCommand;
import org.autodidact.cli.commands.EftCommand;
import org.autodidact.cli.commands.EvaluateCommand;
import org.autodidact.cli.commands.ExportCommand;
import org.autodidact.cli.commands.GenerateCommand;
import org.autodidact.cli.commands.ImportCommand;
import org.autodidact.cli.commands.JudgeCommand;
import org.autodidact.cli.commands.PluginsCommand;
import org.autodidact.cli.commands.PromptsCommand;
import org.autodidact.cli.commands.PullCommand;
import org.autodidact.cli.commands.ReportCommand;
import org.autodidact.cli.commands.ResumeCommand;
import org.autodidact.cli.commands.RunCommand;
import org.autodidact.cli.commands.TrainCommand;
import org.autodidact.cli.options.RenamedOptions;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.cli.process.UsageException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code autodidact}: parses, runs one command, turns failures into one line and an exit code. */
@Command(
    name = "autodidact",
    description =
        "A language model that learns by its own judgement: a checkpoint goes in, better ones come out.",
    mixinStandardHelpOptions = true,
    version = "autodidact 0.2.0",
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a failure that nobody foresaw; the stack trace is of use to us",
      "2:the command line is wrong",
      "3:what was given cannot be used: a file, a setting, a model, a name",
      "4:reading or writing failed: a full disk, a missing permission",
      "5:training diverged: loss or gradient is not a number",
      "6:what a plugin depends on, as a server, cannot be reached for now; the same command later goes on",
      "130:cancelled by Ctrl-C; 'resume' goes on"
    })
public final class Main {
  private static final int MOST_CAUSES = 20;

  private static final List<Class<?>> COMMANDS =
      List.of(
          DemoCommand.class,
          RunCommand.class,
          ResumeCommand.class,
          PromptsCommand.class,
          EftCommand.class,
          GenerateCommand.class,
          JudgeCommand.class,
          TrainCommand.class,
          EvaluateCommand.class,
          PullCommand.class,
          ImportCommand.class,
          ExportCommand.class,
          ReportCommand.class,
          PluginsCommand.class,
          CacheCommand.class,
          DoctorCommand.class);

  private Main() {}

  public static void main(String[] arguments) {
    String format = "java.util.logging.SimpleFormatter.format";
    if (System.getProperty(format) == null) {
      System.setProperty(format, "%4$s: %5$s%n"); // a warning is one line, without time and class
    }
    System.exit(execute(arguments));
  }

  /** Runs a command line and gives its exit code. */
  static int execute(String... arguments) {
    try {
      return commandLine(arguments).execute(RenamedOptions.replaced(arguments));
    } catch (VirtualMachineError | LinkageError e) {
      report(e, new PrintWriter(System.err, true, StandardCharsets.UTF_8));
      return exitCode(e);
    }
  }

  private static CommandLine commandLine(String... arguments) {
    CommandLine line = new CommandLine(new Main());
    for (Class<?> command : toParse(arguments)) {
      line.addSubcommand(new CommandLine(command)); // which applies its model transformers
    }
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          if (e instanceof UsageException usage) {
            return command
                .getParameterExceptionHandler()
                .handleParseException(usage.fault(), arguments);
          }
          PrintWriter err = command.getErr();
          report(e, err);
          return exitCode(e);
        });
    return line;
  }

  /** The command that is named, as the other ones take a quarter of a second; else all of them. */
  private static List<Class<?>> toParse(String... arguments) {
    return COMMANDS.stream()
        .filter(
            command ->
                arguments.length > 0
                    && arguments[0].equals(command.getAnnotation(Command.class).name()))
        .findFirst()
        .<List<Class<?>>>map(List::of)
        .orElse(COMMANDS);
  }

  /** Says what happened: a line, and the stack trace where that is of use. */
  static void report(Throwable e, PrintWriter err) {
    Throwable known = known(e);
    if (known instanceof AutodidactException) {
      err.println("autodidact: " + known.getMessage());
      if (known instanceof PluginFailedException) {
        known.getCause().printStackTrace(err);
      }
    } else if (known instanceof StackOverflowError) {
      err.println(
          "autodidact: what was given is nested too deeply to be read: "
              + where(known.getStackTrace()));
    } else if (known instanceof OutOfMemoryError) {
      err.println(
          "autodidact: memory ran out ("
              + ShownText.of(known.getMessage())
              + "): the heap may take "
              + (Runtime.getRuntime().maxMemory() >> 20)
              + " MiB; give the JVM more (AUTODIDACT_JAVA_OPTS=-Xmx4g), or less to do at once");
    } else if (known instanceof LinkageError) {
      err.println(
          "autodidact: a library cannot be loaded here: "
              + ShownText.of(known)
              + "; 'autodidact doctor' says what there is");
    } else if (isOutOfFiles(known)) {
      err.println(
          "autodidact: the system lets this process open no more files: "
              + ShownText.of(known.getMessage())
              + "; raise 'ulimit -n'");
    } else {
      known.printStackTrace(err);
    }
    err.flush();
  }

  /** The cause that a library, or the initialization of a class, has wrapped. */
  private static Throwable known(Throwable e) {
    if (e instanceof AutodidactException) {
      return e;
    }
    int depth = 0;
    for (Throwable cause = e; cause != null && depth < MOST_CAUSES; cause = cause.getCause()) {
      if (cause instanceof VirtualMachineError
          || cause instanceof AutodidactException
          || isOutOfFiles(cause)) {
        return cause;
      }
      depth++;
    }
    return e;
  }

  private static boolean isOutOfFiles(Throwable e) {
    return String.valueOf(e.getMessage()).contains("Too many open files");
  }

  /** The first of our own methods. */
  private static String where(StackTraceElement[] stack) {
    for (StackTraceElement frame : stack) {
      if (frame.getClassName().startsWith("org.autodidact.")) {
        return "in " + frame.getClassName() + "." + frame.getMethodName();
      }
    }
    return stack.length == 0 ? "" : "in " + stack[0].getClassName();
  }

  static int exitCode(Throwable thrown) {
    Throwable e = known(thrown);
    if (e instanceof CancelledException) {
      return SignalHandling.CANCELLED;
    }
    if (e instanceof TrainingDivergedException) {
      return 5;
    }
    if (e instanceof ServiceUnavailableException) {
      return 6;
    }
    if (e instanceof PluginFailedException) {
      return 1;
    }
    if (e instanceof StorageException || isOutOfFiles(e)) {
      return 4;
    }
    return e instanceof AutodidactException || e instanceof VirtualMachineError ? 3 : 1;
  }
}
