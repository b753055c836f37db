package org.autodidact.engine.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a data file may be: any file or pipe, and then text that ends, in rows that end. */
class TextInputTest {
  private static final String ROW = "{\"prompt\": \"Hi\"}\n";

  @TempDir Path folder;

  private Path file(byte[] bytes) throws Exception {
    return Files.write(folder.resolve("x.parquet"), bytes);
  }

  private static void assertRefused(Path file, String... messages) {
    assertThatThrownBy(() -> JsonLines.prompts(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll(messages)
        .satisfies(e -> assertThat(e.getMessage().length()).isLessThanOrEqualTo(300));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "PAR1..............|is Parquet",
        "PAR1..............|pandas.read_parquet('x.parquet').to_json('x.jsonl', orient='records'",
        "ARROW1\\0\\0........|is Arrow",
        "ÿÿÿÿ\\u0010\\0\\0\\0.....|is an Arrow stream",
        "PK\\u0003\\u0004........|is zip",
        "ý7zXZ\\0........|is xz; expected JSON lines: unpack it by xz -d",
        "(µ/ý........|is zstd",
        "BZh91AY&SY|is bzip2",
        "ÿþ{\\0|is UTF-16 text",
        "SQLite format 3\\0....|is an SQLite database",
        "version https://git-lfs.github.com/spec/v1|is a pointer of Git LFS",
        "GGUF............|is a model",
      })
  void whatIsNoTextIsNamedWithWhatMakesJsonLinesOfIt(String begin, String message)
      throws Exception {
    String text = begin;
    for (int i = text.indexOf("\\u"); i >= 0; i = text.indexOf("\\u")) {
      char c = (char) Integer.parseInt(text.substring(i + 2, i + 6), 16);
      text = text.substring(0, i) + c + text.substring(i + 6);
    }
    assertRefused(file(text.replace("\\0", "\0").getBytes(StandardCharsets.ISO_8859_1)), message);
  }

  @Test
  void aByteThatIsNotUtf8IsNamedByItsLine() throws Exception {
    Charset latin = StandardCharsets.ISO_8859_1;
    String rows = ROW.repeat(7_000);
    assertRefused(
        file((rows + "{\"prompt\": \"caf\u00e9\"}").getBytes(latin)), "line 7001: not UTF-8");
    assertRefused(
        file((rows.replace('\n', '\r') + "\u00e9").getBytes(latin)), "line 7001: not UTF-8");
    assertRefused(file(("[\r\n{\"prompt\":\r\n\"\u00e9\"}]").getBytes(latin)), "line 3: not UTF-8");
    assertRefused(
        file(new byte[] {'{', (byte) 0xed, (byte) 0xa0, (byte) 0x80}), "line 1: not UTF-8");
    assertRefused(file(new byte[] {'{', (byte) 0xe2, (byte) 0x82}), "line 1: not UTF-8");
  }

  @Test
  void linesEndInAnyWayAndMayBeAList() throws Exception {
    for (String end : List.of("\n", "\r\n", "\r", "\n\n \t\n")) {
      for (String begin : List.of("", "\ufeff", "\n \n", "\ufeff\n")) {
        Path file = file((begin + (ROW.strip() + end).repeat(3)).getBytes(StandardCharsets.UTF_8));
        assertThat(JsonLines.prompts(file)).hasSize(3);
        Path list =
            file(
                (begin + "[" + end + (ROW.strip() + "," + end).repeat(2) + ROW.strip() + "]" + end)
                    .getBytes(StandardCharsets.UTF_8));
        assertThat(JsonLines.prompts(list)).hasSize(3);
      }
    }
    Path bad = file((ROW + "\r\n\r" + "{\"prompt\": }").getBytes(StandardCharsets.UTF_8));
    assertRefused(bad, "line 4: not JSON: unexpected character '}' (column 12)");
  }

  @Test
  void aListIsReadOnceSoThatItMayComeByAPipe() throws Exception {
    Path pipe = folder.resolve("pipe");
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/mkfifo")), "no mkfifo");
    new ProcessBuilder("/usr/bin/mkfifo", pipe.toString()).start().waitFor();
    byte[] members =
        (new String(gzip(ROW), StandardCharsets.ISO_8859_1))
            .repeat(3)
            .getBytes(StandardCharsets.ISO_8859_1);
    for (byte[] bytes :
        List.of(
            "[{\"prompt\": \"a\"}, {\"prompt\": \"b\"}, {\"prompt\": \"c\"}]"
                .getBytes(StandardCharsets.UTF_8),
            ROW.repeat(3).getBytes(StandardCharsets.UTF_8),
            members)) {
      Thread writer =
          new Thread(
              () -> {
                try (OutputStream out = Files.newOutputStream(pipe)) {
                  for (byte b : bytes) { // a slow writer: the reader sees the pipe empty
                    out.write(b);
                    out.flush();
                  }
                } catch (java.io.IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      writer.start();
      assertThat(JsonLines.prompts(pipe)).hasSize(3);
      writer.join(TimeUnit.SECONDS.toMillis(10));
    }
  }

  private static byte[] gzip(String text) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  @Test
  void nothingIsReadWithoutEnd() throws Exception {
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bomb)) {
      byte[] blank = " \n".repeat(1 << 19).getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < 70; i++) {
        out.write(blank);
      }
    }
    assertRefused(file(bomb.toByteArray()), "gzip makes more than 200 bytes of each of its bytes");
    String text = "a".repeat(TextInput.LINE_LENGTH + 10_000);
    assertRefused(
        file((ROW + "{\"prompt\": \"" + text + "\"}\n").getBytes(StandardCharsets.UTF_8)),
        "line 2: the line has more than 16777216 characters");
    assertRefused(
        file(("[" + ROW + ", {\"prompt\": \"" + text + "\"}]").getBytes(StandardCharsets.UTF_8)),
        "an object of the list has more than 16777216 characters");
    Path zero = Path.of("/dev/zero");
    if (Files.exists(zero)) {
      assertRefused(zero, "/dev/zero, line 1: the line has more than 16777216 characters");
    }
    assertRefused(folder, "is a folder");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"prompt\": NaN}|NaN is no JSON; write null",
        "{\"prompt\": Infinity}|Infinity is no JSON",
        "{\"prompt\": \"a\"} {\"prompt\": \"b\"}|more than one value; one object a line",
        "{\"prompt\": \"a\",}|unexpected character '}'",
        "{'prompt': 'a'}|unexpected character ''' (column 2)",
        "{\"prompt\": \"a\", \"prompt\": \"b\"}|the key 'prompt' is given twice",
        "{\"prompt\": 01}|a number that begins with 0",
        "{\"prompt\": \"\\q\"}|an escape that JSON does not have",
        "{\"prompt\": \"a|it is cut off",
        "{\"prompt\": tru}|'tru' is no JSON value",
        "instruction,output|'instruction' is no JSON value",
        "{\"prompt\": \"a\"}]|closes what was not opened",
        "\"prompt\"|expected a JSON object, found string",
      })
  void whatIsNoJsonIsSaidInPlainWords(String row, String message) throws Exception {
    assertRefused(file((ROW + row + "\n").getBytes(StandardCharsets.UTF_8)), "line 2: ", message);
    assertThatThrownBy(() -> JsonLines.prompts(file((ROW + row).getBytes(StandardCharsets.UTF_8))))
        .hasMessageNotContainingAny("jackson", "JsonToken", "Feature", "Exception");
  }

  @Test
  void depthAndDigitsHaveLimits() throws Exception {
    assertRefused(
        file(
            ("{\"prompt\": " + "[".repeat(1_200) + "]".repeat(1_200) + "}")
                .getBytes(StandardCharsets.UTF_8)),
        "nested more than 1000 deep");
    assertRefused(
        file(("{\"prompt\": " + "1".repeat(1_501) + "}").getBytes(StandardCharsets.UTF_8)),
        "a number of more than 1000 digits");
    assertRefused(
        file("{\"id\": 1e999999999, \"prompt\": \"a\"}".getBytes(StandardCharsets.UTF_8)), "'id'");
    assertRefused(
        file("{\"\u001b[2J\": 1}".replace("\u001b", "\\u001b").getBytes(StandardCharsets.UTF_8)),
        "found the keys [\\u001b[2J]");
  }

  /** The review's rows: each is what is written there, or refused by its name. */
  @Test
  void sharedCasesAreReadOrRefused() throws Exception {
    String shared = System.getProperty("autodidact.shared", "");
    Path cases = Path.of(shared, "cases", "data");
    Assumptions.assumeTrue(!shared.isEmpty() && Files.isDirectory(cases), "no shared cases");
    Map<String, String> refused =
        Map.of(
            "d_assistant_last.jsonl", "assistant's own turn",
            "d_blankchosen.jsonl", "'chosen' is empty",
            "d_both.jsonl", "'messages' and 'prompt' say different things",
            "d_emptyprompt.jsonl", "the prompt is empty",
            "d_parquet.jsonl", "is Parquet");
    Set<String> demonstrations = Set.of("d_sharegpt.jsonl");
    try (Stream<Path> files = Files.list(cases)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        Function<Path, List<?>> read =
            demonstrations.contains(name)
                ? f -> JsonLines.read(f, Examples::demonstration)
                : name.startsWith("d_")
                    ? f -> JsonLines.read(f, Examples::preference)
                    : JsonLines::prompts;
        if (refused.containsKey(name)) {
          assertThatThrownBy(() -> read.apply(file))
              .hasMessageContainingAll(name, refused.get(name));
        } else {
          assertThat(read.apply(file)).as(name).isNotEmpty();
        }
      }
    }
    assertThat(JsonLines.prompts(cases.resolve("p_intid.jsonl")))
        .extracting(Prompt::id)
        .containsExactly("7");
    assertThat(JsonLines.read(cases.resolve("d_uf_flat.jsonl"), Examples::preference))
        .isEqualTo(JsonLines.read(cases.resolve("d_uf_ref.jsonl"), Examples::preference));
    assertThat(RankedData.read(cases.resolve("ranked-multi-eft.jsonl")).get(0).instruction())
        .startsWith("Human: Greeting number 1")
        .endsWith("Assistant: Hello\n\nHuman: Bye in French?");
  }

  /** Mutations of rows of every form; {@code -Dautodidact.mutations=100000} for many. */
  @Test
  void mutatedRowsAreReadOrRefused() throws Exception {
    List<String> rows =
        List.of(
            "{\"id\": 7, \"prompt\": \"Hi\", \"chosen\": \"a\", \"rejected\": \"b\", \"consistency\": 0.5}",
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"completion\": [{\"role\":"
                + " \"assistant\", \"content\": \"a\"}]}",
            "{\"chosen\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\":"
                + " \"a\"}], \"rejected\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\":"
                + " \"assistant\", \"content\": \"b\"}]}",
            "{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}, {\"from\": \"gpt\", \"value\":"
                + " \"a\"}], \"system\": \"s\", \"tools\": \"\"}",
            "{\"instruction\": \"Hi\", \"input\": \"x\", \"output\": \"a\", \"history\": [[\"q\", \"r\"]]}",
            "{\"chosen\": \"\\n\\nHuman: Hi\\n\\nAssistant: a\", \"rejected\": \"\\n\\nHuman: Hi\\n\\nAssistant:"
                + " b\"}",
            "[{\"prompt\": \"Hi\"}, {\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\","
                + " \"text\": \"x\"}]}]}]");
    List<JsonLines.LineReader<?>> readers =
        List.of(
            Examples::preference, Examples::demonstration, Examples::prompt, AnsweredPrompt::of);
    Random random = new Random(1);
    for (int i = 0; i < Integer.getInteger("autodidact.mutations", 2_000); i++) {
      byte[] bytes = rows.get(random.nextInt(rows.size())).getBytes(StandardCharsets.UTF_8);
      for (int k = random.nextInt(4); k >= 0; k--) {
        int at = random.nextInt(bytes.length);
        bytes =
            switch (random.nextInt(3)) {
              case 0 -> {
                bytes[at] = (byte) random.nextInt(256);
                yield bytes;
              }
              case 1 -> java.util.Arrays.copyOf(bytes, Math.max(1, at));
              default -> {
                byte[] more = new byte[bytes.length * 2];
                System.arraycopy(bytes, 0, more, 0, at);
                System.arraycopy(
                    bytes,
                    random.nextInt(bytes.length - at + 1),
                    more,
                    at,
                    Math.min(at, bytes.length - at) / 2);
                System.arraycopy(bytes, at, more, at + bytes.length / 2, bytes.length - at);
                yield java.util.Arrays.copyOf(more, bytes.length + bytes.length / 2);
              }
            };
      }
      Path file = file(bytes);
      for (JsonLines.LineReader<?> reader : readers) {
        try {
          JsonLines.read(file, reader);
        } catch (InvalidInputException e) {
          assertThat(e.getMessage()).contains("x.parquet").hasSizeLessThanOrEqualTo(288);
          assertThat(e.getMessage()).doesNotContainPattern("jackson|[\\x00-\\x1f]");
        }
      }
    }
  }
}
