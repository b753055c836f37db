package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.process.SignalHandling;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A process leaves nothing in the temporary folder, and ends when it is told to. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class LeftoversTest {
  @TempDir Path folder;
  private Path temporary;
  private Path config;

  @BeforeEach
  void write() throws Exception {
    temporary = Files.createDirectories(folder.resolve("tmp"));
    TinyModel.write(folder.resolve("tiny"), 3);
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 6; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    Files.writeString(
        folder.resolve("ift.jsonl"), "{\"prompt\":\"q\",\"response\":\"a\"}\n".repeat(8));
    config =
        Files.writeString(
            folder.resolve("run.yaml"),
            """
            model: tiny
            iterations: 1
            fine-tuning: {ift: ift.jsonl, training: {learning-rate: 1e-3, batch-size: 2, save-every: 0}}
            prompts: {file: prompts.jsonl, per-iteration: 6}
            candidates: {count: 4, max-tokens: 24}
            judge: {name: expected-score}
            preference-training: {learning-rate: 1e-3, batch-size: 2, save-every: 0}
            """);
  }

  private Process start(List<String> options, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Djava.io.tmpdir=" + temporary));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("output.txt").toFile())
        .start();
  }

  private Process run(String output) throws Exception {
    return start(
        List.of(),
        "org.autodidact.cli.Main",
        "run",
        config.toString(),
        "--output",
        folder.resolve(output).toString());
  }

  private int end(Process process) throws Exception {
    assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
    return process.exitValue();
  }

  @Test
  void nothingStaysInTheTemporaryFolderNotEvenAfterAKill() throws Exception {
    assertThat(end(run("whole"))).as(Files.readString(folder.resolve("output.txt"))).isZero();
    assertThat(temporary).isEmptyDirectory();
    Process killed = run("killed");
    waitFor(killed, "M1 judgements"); // both libraries are loaded
    killed.destroyForcibly().waitFor();
    assertThat(temporary).isEmptyDirectory();
    assertThat(end(run("killed"))).isZero();
    assertThat(temporary).isEmptyDirectory();
  }

  /** Waits until the process says something. */
  private void waitFor(Process process, String text) throws Exception {
    for (int i = 0; i < 1800; i++) {
      if (Files.readString(folder.resolve("output.txt")).contains(text)) {
        return;
      }
      assertThat(process.waitFor(100, TimeUnit.MILLISECONDS))
          .as(Files.readString(folder.resolve("output.txt")))
          .isFalse();
    }
    throw new AssertionError("'" + text + "' was never said");
  }

  /** Work that never comes to an end and asks for nothing. */
  static final class Hanging {
    private Hanging() {}

    public static void main(String[] arguments) {
      SignalHandling.guard(
          cancellation -> {
            System.out.println("hangs");
            for (long i = 0; i >= 0; i = (i + 1) % 1000) {
              Thread.onSpinWait();
            }
            return true;
          });
    }
  }

  /** Work that heeds nothing either, but comes along. */
  static final class Slow {
    private Slow() {}

    public static void main(String[] arguments) throws Exception {
      SignalHandling.guard(
          cancellation -> {
            Progress progress = new Progress();
            System.out.println("hangs");
            for (int i = 0; i < 60; i++) {
              progress.progressed(i, 60);
              sleep();
            }
            System.out.println("finished");
            return true;
          });
    }

    private static void sleep() {
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void whatHangsEndsByOneSignal() throws Exception {
    Process process = start(List.of("-Dautodidact.grace-seconds=2"), Hanging.class.getName());
    waitFor(process, "hangs");
    process.destroy();
    assertThat(end(process)).isEqualTo(130);
    assertThat(folder.resolve("output.txt")).content().contains("nothing has moved for 2 s");
  }

  @Test
  void whatComesAlongIsFinished() throws Exception {
    Process process = start(List.of("-Dautodidact.grace-seconds=2"), Slow.class.getName());
    waitFor(process, "hangs");
    process.destroy();
    assertThat(end(process)).isZero();
    assertThat(folder.resolve("output.txt")).content().contains("finished");
  }

  @Test
  void whatNobodyCaughtIsOneLineAndACode() {
    assertOneLine(3, "nested too deeply", new StackOverflowError());
    assertOneLine(3, "memory ran out", new OutOfMemoryError("Java heap space"));
    assertOneLine(
        3, "memory ran out", new ExceptionInInitializerError(new OutOfMemoryError("heap")));
    assertOneLine(1, "cannot be loaded here", new NoClassDefFoundError("org/other/Missing"));
    assertOneLine(
        4,
        "raise 'ulimit -n'",
        new IllegalStateException(new java.io.IOException("/x\u001b[2J: Too many open files")));
  }

  private static void assertOneLine(int code, String what, Throwable e) {
    StringWriter text = new StringWriter();
    Main.report(e, new PrintWriter(text, true));
    assertThat(text.toString())
        .startsWith("autodidact: ")
        .contains(what)
        .doesNotContain("\u001b")
        .hasSizeLessThan(400);
    assertThat(text.toString().lines()).hasSize(1);
    assertThat(Main.exitCode(e)).isEqualTo(code);
  }
}
