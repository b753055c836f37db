package org.autodidact.engine.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.autodidact.api.InvalidInputException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
  private static final Path HERE = Path.of("/somewhere");

  private static RunConfig parse(String text, Map<String, String> overrides) {
    return ConfigFile.parse(text, "run.yaml", overrides, HERE);
  }

  @Test
  void defaultsAreThePapers() {
    RunConfig config = parse("{model: m, prompts: {file: p.jsonl}}", Map.of());
    assertThat(config.model().text()).isEqualTo("m"); // no file: the generator may know it
    assertThat(config.prompts().file()).hasValue(Path.of("/somewhere/p.jsonl"));
    assertThat(config.candidates().sampling().temperature()).isEqualTo(0.7);
    assertThat(config.candidates().sampling().topP()).isEqualTo(0.9);
    assertThat(config.candidates().count()).isEqualTo(4);
    assertThat(config.judge().samples()).isEqualTo(3);
    assertThat(
            config
                .preferenceTraining()
                .over(org.autodidact.api.TrainingSettings.dpo())
                .lossParameters()
                .beta())
        .isEqualTo(0.1);
  }

  @Test
  void overridesGoBeforeTheFile() {
    RunConfig config =
        parse(
            "{model: m, prompts: {file: p}, judge: {samples: 3}}",
            Map.of("judge.samples", "5", "candidates.stop", "[\"x\"]", "model", "/abs"));
    assertThat(config.judge().samples()).isEqualTo(5);
    assertThat(config.candidates().stop()).containsExactly("x");
    assertThat(config.model().text()).isEqualTo("/abs");
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    RunConfig config =
        parse(
            "{model: m, prompts: {file: p}, fine-tuning: {ift: i, training: {epochs: 3}}}",
            Map.of());
    String json = ConfigFile.toJson(config);
    assertThat(ConfigFile.toJson(ConfigFile.fromJson(json, "run.db"))).isEqualTo(json);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "prompts: {file: p}|model",
        "{model: m}|prompts",
        "{model: m, prompts: {file: p}, judge: {sampels: 3}}|'judge.sampels' (did you mean 'samples'?)",
        "{model: m, prompts: {file: p}, iteration: 3}|did you mean 'iterations'",
        "{model: m, prompts: {file: p, per-iteration: 0}}|prompts.per-iteration",
        "{model: m, prompts: {file: p}, candidates: {count: 1}}|candidates.count",
        "{model: m, prompts: {file: p}, seed: soon}|seed",
        "{model: m, prompts: {file: p}, iterations: 1.5}|iterations",
        "{model: m, model: n, prompts: {file: p}}|line 1",
        "{model: m, prompts: [|line 1",
        "just words|expected keys",
        "{model: m, prompts: {file: p}, fine-tuning: {}}|ift or eft",
      })
  void mistakesAreNamed(String text, String message) {
    assertThatThrownBy(() -> parse(text, Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml")
        .hasMessageContaining(message);
  }

  @Test
  void aFileIsOneDocumentOfKeysThatMayBeTakenOut() {
    String text = "{model: m, prompts: {file: p}, judge: {samples: 5}}";
    assertThat(parse(text, Map.of("judge.samples", "")).judge().samples()).isEqualTo(3);
    assertThatThrownBy(() -> parse("{model: \"m\\0\", prompts: {file: p}}", Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml, line 1: the key 'model' is no path");
    assertThatThrownBy(() -> parse(text + "\n---\n{model: n}", Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml");
    assertThatThrownBy(() -> parse(text, Map.of("model.x", "1")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml: the key 'model.x': 'model' is a value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      value = {
        "seed: 99999999999999999999|'seed' must be a whole number between -2^63",
        "seed: 010|does not begin with 0, which some read as octal",
        "seed: 0x10|'seed' must be a whole number",
        "seed: 1_000|'seed' must be a whole number",
        "seed: '7'|'seed' must be a whole number, without quotes",
        "seed: [1]|'seed' must be a whole number; found a list",
        "seed: 1~seed: 2|line 4: the key 'seed' is given twice",
        "seed: !!int 7|the tag 'tag:yaml.org,2002:int' is not read",
        "generator: !!binary aGVsbG8=|the tag",
        "judge: &j {name: additive}|the anchor '&j' is not read",
        "judge: *j|the alias '*j' is not read",
        "<<: {seed: 1}|the merge key '<<' is not read",
        "a: &a [*a]|the anchor",
        "? [a]~: 1|a key must be a word",
        "---~seed: 3|a second document",
        "iterations: 0|nothing would be done",
        "iterations: -1|'iterations' must be at least 0",
        "iterations: 2147483647|at most 1000",
        "candidates: {count: 2147483647}|'candidates.count' must be at least 2 and at most 10000",
        "candidates: {count: 1000000}|candidates.count",
        "candidates: {count: 10000, max-tokens: 1000000}|more than fits",
        "candidates: {max-tokens: 2147483647}|candidates.max-tokens",
        "candidates: {temperature: .nan}|a number that a double holds",
        "candidates: {temperature: .inf}|a number that a double holds",
        "candidates: {temperature: -1}|candidates: temperature must be 0",
        "candidates: {temperature: 1e-40}|candidates: temperature must be 0, for the most likely token, or"
            + " at least 1e-6",
        "candidates: {temperature: 1e999999999}|a number that a double holds",
        "candidates: {top-p: 2}|candidates: top-p",
        "candidates: {top-k: -1}|candidates: top-k",
        "candidates: {stop: ['']}|candidates.stop",
        "candidates: {stop: x}|'candidates.stop' must be a list of texts",
        "judge: {samples: 2147483647}|judge.samples",
        "judge: {top-p: 0}|judge: top-p",
        "judge: {name: \"x\\0y\"}|'judge.name' must be a text without NUL",
        "judge: {name: \"\\ud800\"}|'judge.name' must be a text without NUL",
        "compute: {threads: -1}|compute.threads",
        "compute: {threads: 1000000}|compute.threads",
        "compute: {memory-mb: -1}|compute.memory-mb",
        "compute: {memory-mb: 2147483647}|compute.memory-mb",
        "compute: {precision: FP_31}|precision must be a name",
        "judge: {options: 3}|'judge.options' must be keys and values",
        "judge: {options: {a: {b: c}}}|'judge.options.a' must be a text",
        "judge: {generator: {options: {a: b}}}|'judge.generator.name' is missing",
        "preference-training: {batch-size: 0}|preference-training: the key 'batch-size'",
        "preference-training: {batch-size: 2147483647}|batch-size",
        "preference-training: {epochs: 2147483647}|epochs",
        "preference-training: {max-length: 1}|max-length",
        "preference-training: {learning-rate: .nan}|preference-training.learning-rate",
        "preference-training: {learning-rate: -1}|preference-training: the key 'learning-rate'",
        "preference-training: {learning-rate: 1e-999}|a number that a double holds",
        "preference-training: {beta: 0}|beta",
        "preference-training: {activation-checkpointing: yes}|'preference-training.activation-checkpointing' must be true or false",
        "preference-training: 3|'preference-training' must be keys and values; found '3'",
        "\"\\e[31mkey\": 1|unknown key '\\u001b[31mkey'",
        "judge: {name: [a]}|'judge.name' must be a text; found a list",
        "evaluation: {prompts: ''}|'evaluation.prompts' is no path: it is empty",
      })
  void whatNoRunCanBeMadeWithIsRefusedByKeyAndLine(String more, String message) {
    String text = "model: m\nprompts: {file: p}\n" + more.replace('~', '\n');
    assertThatThrownBy(() -> parse(text, Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml")
        .hasMessageContaining(message)
        .hasMessageNotContaining("jackson")
        .hasMessageNotContaining("java.")
        .satisfies(e -> assertThat(e.getMessage().length()).isLessThanOrEqualTo(300));
  }

  @Test
  void textsAreTakenAsTheyAreWritten() {
    String text =
        "{model: m, prompts: {file: p}, judge: {name: off}, candidates: {stop: [no, 1e3]}}";
    RunConfig config = parse(text, Map.of());
    assertThat(config.judge().name()).isEqualTo("off");
    assertThat(config.candidates().stop()).containsExactly("no", "1e3");
    for (String value : new String[] {"off", "1e3", "null", "C: x", "[a]", "a # b", "0x1"}) {
      assertThat(parse(text, Map.of("judge.name", value)).judge().name()).isEqualTo(value);
    }
    assertThat(parse(text, Map.of("judge.name", "\"a b\"")).judge().name()).isEqualTo("a b");
    assertThat(parse(text, Map.of("model", "/C: x")).model().text()).isEqualTo("/C: x");
    assertThat(parse(text, Map.of("selector", "margin")).selector().name()).isEqualTo("margin");
    assertThatThrownBy(() -> parse(text, Map.of("judge.samples", "[")))
        .hasMessageStartingWith("run.yaml: the value of 'judge.samples', line 1")
        .hasMessageContaining("not YAML");
  }

  /** A part's options are texts as they are written; a name alone is a part. */
  @Test
  void partsHaveOptionsOfTheirOwn() {
    RunConfig config =
        parse(
            "{model: m, prompts: {source: {name: mine, options: {a: no}}}, trainer: away,"
                + " judge: {name: mine, options: {word: off, n: 010, list: [a, b], key: '${KEY}'},"
                + " generator: {name: remote, options: {url: 'http://x'}}, model: gpt}}",
            Map.of("judge.options.word", "1e3", "generator", "other"));
    assertThat(config.judge().options())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("word", "1e3", "n", "010", "list", "a,b", "key", "${KEY}"));
    assertThat(config.judge().generator()).hasValue(new Part("remote", Map.of("url", "http://x")));
    assertThat(config.judge().model()).hasValue(new ModelName("gpt"));
    assertThat(config.trainer()).isEqualTo(new Part("away"));
    assertThat(config.generator()).isEqualTo(new Part("other"));
    assertThat(config.prompts().source()).hasValue(new Part("mine", Map.of("a", "no")));
    assertThat(ConfigFile.fromJson(ConfigFile.toJson(config), "run.db")).isEqualTo(config);
  }

  @Test
  void pathsOfTheCommandLineStartInItsFolderAndAreKeptAbsolute() {
    RunConfig config =
        parse(
            "{model: m, prompts: {file: p}}",
            Map.of("evaluation.prompts", "mine.jsonl", "fine-tuning", "{ift: ../i.jsonl}"));
    Path here = Path.of("").toAbsolutePath();
    assertThat(config.evaluation().orElseThrow().prompts()).hasValue(here.resolve("mine.jsonl"));
    assertThat(config.fineTuning().orElseThrow().ift()).hasValue(here.resolveSibling("i.jsonl"));
    assertThat(config.prompts().file()).hasValue(Path.of("/somewhere/p"));
    assertThat(ConfigFile.fromJson(ConfigFile.toJson(config), "run.db")).isEqualTo(config);
  }

  @Test
  void aFileIsRegularSmallAndUtf8(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("run.yaml");
    Files.write(file, "model: m\n# caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertRefused(file, "found the byte 0xe9 in line 2");
    Files.write(file, "\ufeffmodel: m".getBytes(StandardCharsets.UTF_16LE));
    assertRefused(file, "run.yaml: is UTF-16 text; expected a text in UTF-8: convert it");
    Files.write(file, new byte[(1 << 20) + 1]);
    assertRefused(file, "at most 1048576 bytes, found more");
    Files.writeString(file, "\ufeffmodel: m\nprompts: {file: p}\n");
    Files.createDirectory(folder.resolve("m"));
    assertThat(ConfigFile.read(file, Map.of()).model().path()).isEqualTo(folder.resolve("m"));
    assertRefused(folder, "in a regular file, found a folder");
    assertRefused(folder.resolve("none.yaml"), "missing; expected a configuration");
    assertRefused(Path.of("/dev/zero"), "in a regular file, found a pipe, a device");
    String deep = "[".repeat(100_000);
    Files.writeString(file, deep);
    assertRefused(file, "nested more than");
    Files.writeString(
        file, "{\n\t\"model\": \"m\",\n\t\"prompts\": {\"file\": \"p\"},\n\t\"seed\": 2\n}\n");
    assertThat(ConfigFile.read(file, Map.of()).seed()).isEqualTo(2);
  }

  private static void assertRefused(Path file, String message) {
    assertThatThrownBy(() -> ConfigFile.read(file, Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message)
        .hasMessageNotContaining("Exception");
  }

  /** Configurations of the review: each is refused in a line, or means what it says. */
  @Test
  void sharedCasesAreReadOrRefused() throws Exception {
    String shared = System.getProperty("autodidact.shared", "");
    Path cases = Path.of(shared, "cases", "config");
    Assumptions.assumeTrue(!shared.isEmpty() && Files.isDirectory(cases), "no shared cases");
    // what only shows when a run begins: the judge's name, a device as a model, prompts or template
    Set<String> later =
        Set.of(
            "ansi2.yaml",
            "model-dev.yaml",
            "model-dir-run.yaml",
            "prompts-dev.yaml",
            "template-dev.yaml",
            "per-2e31.yaml");
    try (Stream<Path> files = Files.list(cases)) {
      for (Path file : files.sorted().toList()) {
        try {
          ConfigFile.read(file, Map.of());
          assertThat(later).as("read without a word").contains(file.getFileName().toString());
        } catch (InvalidInputException e) {
          assertThat(e.getMessage())
              .as(file.toString())
              .contains(file.getFileName().toString())
              .doesNotContainPattern("jackson|snakeyaml|Exception|[\\x00-\\x1f]");
        }
      }
    }
  }

  @Property(tries = 500)
  void anyTextIsReadOrRefused(@ForAll String text) {
    try {
      parse(text, Map.of());
    } catch (InvalidInputException expected) {
      assertThat(expected).hasMessageStartingWith("run.yaml");
    }
  }

  /** Mutations of a configuration; {@code -Dautodidact.mutations=100000} for many. */
  @Test
  void mutatedConfigurationsAreReadOrRefused() {
    String whole =
        "model: m\nseed: 1\niterations: 2\nprompts: {file: p, per-iteration: 4}\nselector: margin\n"
            + "candidates:\n  count: 4\n  temperature: 0.7\n  stop: [\"a\", 'b']\n"
            + "judge: {name: additive, samples: 3}\npreference-training:\n  learning-rate: 1e-6\n"
            + "  activation-checkpointing: true\n  lora-targets: [q_proj]\n  lora-rank: 4\n# end\n";
    String pieces = "{}[]:,-?&*!|>'\"%@`#~\n\t \0\u0085\ud83d\ue000<<0x1e+.nan\\";
    Random random = new Random(1);
    for (int i = 0; i < Integer.getInteger("autodidact.mutations", 2_000); i++) {
      StringBuilder text = new StringBuilder(whole);
      for (int k = random.nextInt(5); k >= 0; k--) {
        int at = random.nextInt(text.length());
        int end = Math.min(text.length(), at + random.nextInt(20));
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, pieces.charAt(random.nextInt(pieces.length())));
          case 1 -> text.insert(at, text.substring(at, end));
          default -> text.delete(at, Math.max(at, Math.min(end, text.length() - 1)));
        }
      }
      try {
        parse(text.toString(), Map.of());
      } catch (InvalidInputException e) {
        assertThat(e.getMessage())
            .startsWith("run.yaml")
            .hasSizeLessThanOrEqualTo(288)
            .doesNotContainPattern("jackson|snakeyaml|[\\x00-\\x1f]");
      }
    }
  }

  /** Nothing can be configured that a user cannot read about. */
  @Test
  void everyKeyIsDocumented() throws Exception {
    String page = Files.readString(Path.of("../docs/configuration.md"));
    assertDocumented(RunConfig.class, page);
  }

  private static void assertDocumented(Class<?> section, String page) {
    RecordReader.keys(section)
        .forEach(
            (key, type) -> {
              assertThat(page)
                  .as("%s.%s", section.getSimpleName(), key)
                  .containsPattern("[`.]" + key + "[`.]");
              RecordReader.section(type).ifPresent(inner -> assertDocumented(inner, page));
            });
  }
}
