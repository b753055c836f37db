package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Runs command lines on a small random model, and keeps what they write. */
abstract class CommandLineTest {
  static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  Path model;
  String out;
  String err;

  @BeforeEach
  void write() {
    model = TinyModel.write(folder.resolve("tiny"), 3);
  }

  int autodidact(Object... arguments) {
    PrintStream oldOut = System.out;
    PrintStream oldErr = System.err;
    ByteArrayOutputStream newOut = new ByteArrayOutputStream();
    ByteArrayOutputStream newErr = new ByteArrayOutputStream();
    String[] texts = new String[arguments.length];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = arguments[i].toString();
    }
    try {
      System.setOut(new PrintStream(newOut, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(newErr, true, StandardCharsets.UTF_8));
      return Main.execute(texts);
    } finally {
      System.setOut(oldOut);
      System.setErr(oldErr);
      out = newOut.toString(StandardCharsets.UTF_8);
      err = newErr.toString(StandardCharsets.UTF_8);
    }
  }

  Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }

  static List<JsonNode> lines(Path file) throws Exception {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      nodes.add(JSON.readTree(line));
    }
    return nodes;
  }

  void assertRefused(int code, String message, Object... arguments) {
    assertThat(autodidact(arguments)).as(err).isEqualTo(code);
    String said =
        err.lines().filter(l -> l.startsWith("autodidact: ")).findFirst().orElse("nothing");
    assertThat(said).contains(message);
    assertThat(err).doesNotContain("\tat ");
  }

  JsonNode last() throws Exception {
    return JSON.readTree(out.lines().reduce((a, b) -> b).orElseThrow());
  }
}
