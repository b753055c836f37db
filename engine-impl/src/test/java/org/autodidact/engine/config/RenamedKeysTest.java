package org.autodidact.engine.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.files.Warnings;
import org.junit.jupiter.api.Test;

/** Keys of earlier versions still work, in files, on the command line and in stored runs. */
class RenamedKeysTest {
  private static RunConfig parse(String text, Map<String, String> overrides) {
    return ConfigFile.parse(text, "run.yaml", overrides, Path.of("/somewhere"));
  }

  @Test
  void anEarlierKeyMeansTodaysAndWarnsOnce() {
    List<String> warnings = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            warnings.add(record.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(Warnings.class.getName());
    logger.addHandler(handler);
    try {
      for (int i = 0; i < 2; i++) {
        RunConfig config =
            parse(
                "{model: m, prompts: {file: p}, compute: {provider: cuda},"
                    + " preference-training: {recompute: true},"
                    + " fine-tuning: {ift: i, training: {recompute: true}}}",
                Map.of());
        assertThat(config.compute().settings().device()).isEqualTo(ComputeSettings.Device.CUDA);
        assertThat(
                config.preferenceTraining().over(TrainingSettings.dpo()).activationCheckpointing())
            .isTrue();
        assertThat(
                config
                    .fineTuning()
                    .orElseThrow()
                    .training()
                    .over(TrainingSettings.sft())
                    .activationCheckpointing())
            .isTrue();
      }
    } finally {
      logger.removeHandler(handler);
    }
    assertThat(warnings)
        .containsOnlyOnce(
            "the key 'compute.provider' is now called 'compute.device'; use the new name")
        .hasSize(3);
  }

  @Test
  void anOverrideMayHaveTheEarlierKey() {
    RunConfig config =
        parse(
            "{model: m, prompts: {file: p}, compute: {device: cpu}}",
            Map.of("compute.provider", "cuda"));
    assertThat(config.compute().settings().device()).isEqualTo(ComputeSettings.Device.CUDA);
  }

  @Test
  void theEarlierAndTodaysKeyTogetherAreRefused() {
    assertThatThrownBy(
            () ->
                parse(
                    "{model: m, prompts: {file: p}, compute: {device: cpu, provider: cuda}}",
                    Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'compute.provider' and 'compute.device' are the same");
  }

  @Test
  void aRunThatAnEarlierVersionStoredIsRead() {
    RunConfig config = parse("{model: m, prompts: {file: p}, compute: {device: cpu}}", Map.of());
    String stored = ConfigFile.toJson(config).replace("\"device\"", "\"provider\"");
    assertThat(stored).contains("\"provider\":\"cpu\"");
    assertThat(ConfigFile.fromJson(stored, "run.db")).isEqualTo(config);
  }

  @Test
  void int4IsRefusedWithItsReason() {
    assertThatThrownBy(
            () -> parse("{model: m, prompts: {file: p}, compute: {precision: int4}}", Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("precision int4 is not there: four bits cost")
        .hasMessageContaining("use int8");
  }
}
