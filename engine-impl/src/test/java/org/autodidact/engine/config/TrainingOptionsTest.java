package org.autodidact.engine.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.TrainingSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A training option is declared once; the rest follows. */
class TrainingOptionsTest {
  private static TrainingOptions set(Object... keysAndValues) {
    TreeMap<String, Object> values = new TreeMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      values.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return new TrainingOptions(values);
  }

  @Test
  void nothingSetLeavesTheStagesDefaults() {
    // The final rate is computed, and may differ from the default in the last bit.
    TrainingSettings dpo = set().over(TrainingSettings.dpo());
    assertThat(dpo.toBuilder().learningRate(1e-6, 1e-7).build()).isEqualTo(TrainingSettings.dpo());
    assertThat(dpo.finalLearningRate()).isEqualTo(1e-6 * (1e-7 / 1e-6));
  }

  @Test
  void eachOptionReachesTheSettings() {
    TrainingSettings settings =
        set(
                "loss",
                TrainingSettings.Loss.CDPO,
                "label-smoothing",
                0.2,
                "learning-rate",
                2e-6,
                "weight-decay",
                0.25,
                "shuffle",
                false,
                "lora-rank",
                4,
                "lora-targets",
                List.of("q_proj"))
            .over(TrainingSettings.dpo());
    assertThat(settings.loss()).isEqualTo(TrainingSettings.Loss.CDPO);
    assertThat(settings.lossParameters())
        .isEqualTo(new TrainingSettings.LossParameters(0.1, 0.2, 0.5, 0));
    assertThat(settings.finalLearningRate()).isEqualTo(2e-6 * (1e-7 / 1e-6));
    assertThat(settings.weightDecay()).isEqualTo(0.25);
    assertThat(settings.shuffle()).isFalse();
    assertThat(settings.lora())
        .hasValue(new TrainingSettings.Lora(4, 8, 0, List.of("q_proj"), true, false));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "weight-decay | -0.5 | weight-decay' must be at least 0 and at most 1000, found -0.5",
        "learning-rate | 1 | learning-rate' must be at least 0 and below 1, found 1.0",
        "beta | 0 | beta' must be above 0 and at most 1000000, found 0.0",
        "dropout | NaN | dropout' must be at least 0 and below 1, found NaN",
        "held-out | 1 | held-out' must be at least 0 and below 1, found 1.0",
      })
  void aNumberOutOfItsRangeIsRefused(String key, double value, String message) {
    assertThatThrownBy(() -> set(key, value))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aHostBuildsAConfigurationWithTheChecksOfAFile() {
    RunConfig built =
        RunConfig.builder()
            .set("model", Path.of("m"))
            .set("prompts.file", Path.of("/p.jsonl"))
            .set("candidates.count", 8)
            .set("candidates.stop", List.of("x"))
            .set("selector", "margin")
            .set("strategy.start", RunConfig.Strategy.Start.M1)
            .set("preference-training.learning-rate", 1e-6)
            .set("preference-training.activation-checkpointing", true)
            .build();
    RunConfig read =
        ConfigFile.parse(
            "{model: m, prompts: {file: /p.jsonl}, candidates: {count: 8, stop: [x]}, selector:"
                + " margin, strategy: {start: m1}, preference-training: {learning-rate: 1e-6,"
                + " activation-checkpointing: true}}",
            "run.yaml",
            Map.of(),
            Path.of("").toAbsolutePath());
    assertThat(built).isEqualTo(read);
    assertThatThrownBy(
            () ->
                RunConfig.builder()
                    .set("judge.sampels", 3)
                    .set("model", "m")
                    .set("prompts.file", "p")
                    .build())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("did you mean 'samples'");
    assertThatThrownBy(() -> RunConfig.builder().set("model", "m").build())
        .hasMessageContaining("prompts needs one of file, self-instruct and source, found none");
    assertThatThrownBy(
            () ->
                RunConfig.builder()
                    .set("model", "m")
                    .set("prompts.file", "p")
                    .set("preference-training.epochs", 0)
                    .build())
        .hasMessageContaining("preference-training: the key 'epochs' must be at least 1");
  }

  /** A failure shows the line that docs/configuration.md must have. */
  @Test
  void theTableOfTheDocumentationIsTheDeclarations() throws Exception {
    assertThat(Files.readAllLines(Path.of("../docs/configuration.md")))
        .containsAll(TrainingOptions.all().stream().map(TrainingOptionsTest::row).toList());
  }

  private static String row(DeclaredOption option) {
    String sft = TrainingOptions.defaultText(option, TrainingSettings.sft());
    String dpo = TrainingOptions.defaultText(option, TrainingSettings.dpo());
    return String.format(
        Locale.ROOT,
        "| `%s` | %s | %s | %s |",
        option.key(),
        sft.equals(dpo) ? sft : sft + "; " + dpo,
        range(option),
        option.setting().value());
  }

  private static String range(DeclaredOption option) {
    if (!option.constants().isEmpty()) {
      return option.constants().stream().collect(Collectors.joining("`, `", "`", "`"));
    }
    String range = option.setting().range();
    if (range.isEmpty()) {
      return option.type() == Boolean.class ? "true, false" : "a list";
    }
    String[] ends = range.substring(1, range.length() - 1).split(", ");
    return (range.startsWith("(") ? "above " : "")
        + thousands(ends[0])
        + (range.endsWith(")") ? " to below " : " to ")
        + thousands(ends[1]);
  }

  private static String thousands(String number) {
    return number.replaceAll("(?<=\\d)(?=(\\d{3})+$)", ",");
  }
}
