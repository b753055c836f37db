package org.autodidact.openai;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;

/**
 * The user's command that hands a checkpoint over, at work. Where it has not ended when it is
 * closed, or when the JVM ends, it and the processes that it started are ended: by SIGTERM, and
 * after some seconds by SIGKILL. What it leaves running when it ends of itself, as a server, stays.
 */
final class HandOverCommand implements AutoCloseable {
  private static final Duration LOOK = Duration.ofMillis(100);
  private static final long PATIENCE_SECONDS = 5;

  private final List<String> words;
  private final Process process;
  private final Thread hook;

  private HandOverCommand(List<String> words, Process process) {
    this.words = words;
    this.process = process;
    this.hook = new Thread(() -> end(process.toHandle()), "autodidact-hand-over");
  }

  /**
   * Starts a program with its arguments, the last of which is the checkpoint's path.
   *
   * @param log takes what it prints
   * @throws InvalidInputException where it cannot be started, or one that a killed process of ours
   *     left behind still hands the same checkpoint over
   */
  static HandOverCommand start(List<String> words, Path log) {
    requireNone(words);
    try {
      Process process =
          new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
      HandOverCommand started = new HandOverCommand(words, process);
      try {
        Runtime.getRuntime().addShutdownHook(started.hook);
      } catch (IllegalStateException e) {
        end(process.toHandle());
        throw new AutodidactException(started + " is not started while the JVM ends", e);
      }
      process.getOutputStream().close();
      return started;
    } catch (IOException e) {
      throw new InvalidInputException(
          shown(words) + " cannot be started: there is no such program, or it may not be run", e);
    }
  }

  /** A script's process has its interpreter for its name, and the words among its arguments. */
  private static void requireNone(List<String> words) {
    List<String> tail = words.subList(1, words.size());
    Optional<ProcessHandle> same =
        ProcessHandle.allProcesses()
            .filter(
                p -> {
                  List<String> arguments = List.of(p.info().arguments().orElse(new String[0]));
                  int rest = arguments.size() - tail.size();
                  return rest >= 0
                      && arguments.subList(rest, arguments.size()).equals(tail)
                      && p.info()
                          .commandLine()
                          .filter(line -> line.contains(name(words)))
                          .isPresent();
                })
            .findFirst();
    if (same.isPresent()) {
      throw new InvalidInputException(
          shown(words)
              + " is at work already for "
              + words.get(words.size() - 1)
              + ", as process "
              + same.get().pid()
              + ", which another run or one that was killed has started; wait for it or end it,"
              + " and resume");
    }
  }

  private static String name(List<String> words) {
    Path name = Path.of(words.get(0)).getFileName();
    return name == null ? words.get(0) : name.toString();
  }

  /**
   * Waits for its end.
   *
   * @return false where it did not end in time
   */
  boolean await(Duration most, Cancellation cancellation) {
    long end = System.nanoTime() + most.toNanos();
    try {
      while (!process.waitFor(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
        cancellation.throwIfCancelled();
        if (System.nanoTime() > end) {
          return false;
        }
      }
      cancellation.throwIfCancelled();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AutodidactException("interrupted while " + this + " was at work", e);
    }
  }

  int status() {
    return process.exitValue();
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // the JVM ends, and the hook does what is left
    }
    if (process.isAlive()) {
      end(process.toHandle());
    }
  }

  private static void end(ProcessHandle process) {
    if (!process.isAlive()) {
      return;
    }
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process);
    all.forEach(ProcessHandle::destroy);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    for (ProcessHandle one : all) {
      try {
        one.onExit().get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (ExecutionException | TimeoutException e) {
        // it does not end of itself
      }
    }
    all.forEach(ProcessHandle::destroyForcibly);
  }

  private static String shown(List<String> words) {
    return "the 'hand-over-command' " + ShownText.of(words.get(0), 100);
  }

  @Override
  public String toString() {
    return shown(words);
  }
}
