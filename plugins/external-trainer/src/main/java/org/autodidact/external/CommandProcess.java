package org.autodidact.external;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;

/**
 * The command at work. Its standard input is a pipe that carries nothing and is closed where this
 * process ends it, or dies. Closing it ends what is still alive: by SIGTERM, and by SIGKILL after
 * ten seconds.
 */
final class CommandProcess implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 10;
  private static final String PID = "pid";

  private final Process process;
  private final long outputBefore;
  private final Cancellation.Registration cancel;

  private CommandProcess(Process process, long outputBefore, Cancellation cancellation) {
    this.process = process;
    this.outputBefore = outputBefore;
    this.cancel = cancellation.onCancel(process::destroy);
  }

  /** Ends one that a killed process of ours left behind, and starts the command. */
  static CommandProcess start(
      List<String> words, Path folder, boolean resumed, Cancellation cancellation)
      throws IOException {
    Path pid = folder.resolve(PID);
    endLeftOver(pid);
    Path output = folder.resolve(RequestFiles.STANDARD_OUTPUT);
    Path log = folder.resolve(RequestFiles.LOG);
    endLine(output);
    List<String> command = new ArrayList<>(words);
    command.add(folder.toAbsolutePath().toString());
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().put("AUTODIDACT_RESUME", Boolean.toString(resumed));
    // Python holds back what it prints to a file.
    builder.environment().put("PYTHONUNBUFFERED", "1");
    long before = Files.size(output);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new InvalidInputException(
          "the command '"
              + ShownText.of(words.get(0), 100)
              + "' cannot be started: there is no such program, or it may not be run; mend the"
              + " trainer's option 'command'",
          e);
    }
    CommandProcess started = new CommandProcess(process, before, cancellation);
    try {
      Files.writeString(
          pid, process.pid() + " " + process.info().startInstant().orElse(Instant.EPOCH));
    } catch (IOException e) {
      started.close();
      throw e;
    }
    return started;
  }

  private static void endLeftOver(Path pid) throws IOException {
    if (!Files.exists(pid)) {
      return;
    }
    String[] known = Files.readString(pid).split(" ");
    Optional<ProcessHandle> left =
        known.length == 2 && known[0].matches("[0-9]{1,18}")
            ? ProcessHandle.of(Long.parseLong(known[0]))
            : Optional.empty();
    left.filter(p -> p.info().startInstant().map(Instant::toString).equals(Optional.of(known[1])))
        .ifPresent(CommandProcess::end);
  }

  /** What a killed command left of a line is a line. */
  private static void endLine(Path output) throws IOException {
    byte[] end = new byte[0];
    if (Files.exists(output) && Files.size(output) > 0) {
      try (SeekableByteChannel channel = Files.newByteChannel(output)) {
        ByteBuffer last = ByteBuffer.allocate(1);
        channel.position(channel.size() - 1).read(last);
        end = last.get(0) == '\n' ? end : new byte[] {'\n'};
      }
    }
    Files.write(output, end, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** Bytes of its standard output's file that were there before. */
  long outputBefore() {
    return outputBefore;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  int status() {
    return process.exitValue();
  }

  @Override
  public void close() {
    cancel.close();
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // it is gone, which is what is wanted
    }
    if (process.isAlive()) {
      end(process.toHandle());
    }
  }

  private static void end(ProcessHandle process) {
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process);
    process.destroy();
    try {
      process.onExit().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // it does not end of itself
    }
    all.forEach(ProcessHandle::destroyForcibly);
    process.onExit().join();
  }
}
