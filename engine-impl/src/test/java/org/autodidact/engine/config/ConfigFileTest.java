package org.autodidact.engine.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.KebabCaseStrategy;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.autodidact.api.InvalidInputException;
import org.junit.jupiter.api.Test;
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
    assertThat(config.model()).isEqualTo("/somewhere/m");
    assertThat(config.prompts().file()).hasValue("/somewhere/p.jsonl");
    assertThat(config.candidates().sampling().temperature()).isEqualTo(0.7);
    assertThat(config.candidates().sampling().topP()).isEqualTo(0.9);
    assertThat(config.candidates().count()).isEqualTo(4);
    assertThat(config.judge().samples()).isEqualTo(3);
    assertThat(
            config
                .preferenceTraining()
                .over(org.autodidact.api.TrainingSettings.dpo())
                .terms()
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
    assertThat(config.model()).isEqualTo("/abs");
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
        .hasMessageStartingWith("run.yaml: the key 'model' is no path");
    assertThatThrownBy(() -> parse(text + "\n---\n{model: n}", Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml");
    assertThatThrownBy(() -> parse(text, Map.of("model.x", "1")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("run.yaml: the key 'model.x': 'model' is a value");
  }

  /** Nothing can be configured that a user cannot read about. */
  @Test
  void everyKeyIsDocumented() throws Exception {
    String page = Files.readString(Path.of("../docs/configuration.md"));
    assertDocumented(RunConfig.class, page);
  }

  private static void assertDocumented(Class<?> section, String page) {
    for (RecordComponent component : section.getRecordComponents()) {
      String key = new KebabCaseStrategy().translate(component.getName());
      assertThat(page)
          .as("%s.%s", section.getSimpleName(), key)
          .containsPattern("[`.]" + key + "[`.]");
      if (component.getType().isRecord()) {
        assertDocumented(component.getType(), page);
      }
    }
  }
}
