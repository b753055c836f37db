package org.autodidact.checkpoints.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.TrainingSettings;
import org.junit.jupiter.api.Test;

class RecordJsonTest {
  private record Inner(int number) {}

  private record Outer(
      String text, Optional<Inner> inner, List<Inner> all, double half, boolean yes) {}

  @Test
  void recordsAreMapsAndWhatIsEmptyIsLeftOut() {
    assertThat(RecordJson.json(new Outer("a", Optional.empty(), List.of(), .5, true)))
        .isEqualTo(Map.of("text", "a", "half", .5, "yes", true));
    assertThat(
            RecordJson.json(
                new Outer("a", Optional.of(new Inner(1)), List.of(new Inner(2)), .5, true)))
        .hasToString("{text=a, inner={number=1}, all=[{number=2}], half=0.5, yes=true}");
  }

  @Test
  void settingsAreNamesAndPlainValues() {
    assertThat(RecordJson.json(TrainingSettings.dpo()))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsEntry("loss", "SIGMOID")
        .containsEntry("batchSize", 16)
        .doesNotContainKey("lora");
  }
}
