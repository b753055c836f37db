package org.autodidact.pytorch.state;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What two trainings differ in is named, and a setting more is no other training. */
class FingerprintTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;
  private Path base;

  @BeforeEach
  void write() {
    base = TinyModel.write(folder.resolve("base"), 3);
  }

  private Fingerprint of(TrainingSettings settings, long seed, String answer) {
    try (ModelFolder model = ModelFolder.open(base)) {
      TrainingRequest request =
          new TrainingRequest(
              new Checkpoint("M0", base),
              List.of(new TrainingExample.Demonstration(List.of(Message.user("q")), answer)),
              List.of(),
              settings,
              seed,
              new Checkpoint("M1", folder.resolve("M1")),
              folder.resolve("state"));
      return Fingerprint.of(request, model, false, () -> false);
    }
  }

  @Test
  void itIsVersionedJsonAndComesBackEqual() throws Exception {
    Fingerprint one = of(TrainingSettings.sft(), 1, "a");
    String json = JSON.writeValueAsString(one);
    assertThat(JSON.readTree(json).path("version").asInt()).isEqualTo(1);
    assertThat(JSON.readTree(json).path("parts").path("settings.batchSize").asText())
        .isEqualTo("16");
    assertThat(JSON.readValue(json, Fingerprint.class)).isEqualTo(one);
    assertThat(one.differences(of(TrainingSettings.sft(), 1, "a"))).isEmpty();
  }

  @Test
  void whatDiffersIsNamed() throws Exception {
    Fingerprint one = of(TrainingSettings.sft(), 1, "a");
    assertThat(one.differences(of(TrainingSettings.sft(), 2, "a"))).containsExactly("seed");
    assertThat(one.differences(of(TrainingSettings.sft(), 1, "b"))).containsExactly("examples");
    assertThat(one.differences(of(TrainingSettings.sft().toBuilder().batchSize(4).build(), 1, "a")))
        .containsExactly("settings.batchSize was 16");
    Path template = base.resolve("chat_template.jinja");
    Files.writeString(template, Files.readString(template).replace("im_end", "im_End"));
    assertThat(one.differences(of(TrainingSettings.sft(), 1, "a")))
        .containsExactly("model.chat_template.jinja");
  }

  @Test
  void aSettingThatIsNewOrGoneDecidesNothingUntilItIsSet() {
    Fingerprint now = of(TrainingSettings.dpo(), 1, "a");
    TreeMap<String, String> earlier = new TreeMap<>(now.parts());
    earlier.remove("settings.activationCheckpointing");
    earlier.put("settings.renamedSince", "7");
    Fingerprint stored = new Fingerprint(1, earlier);
    assertThat(stored.differences(now)).isEmpty();
    assertThat(
            stored.differences(
                of(
                    TrainingSettings.dpo().toBuilder().activationCheckpointing(true).build(),
                    1,
                    "a")))
        .containsExactly("settings.activationCheckpointing was false");
  }

  @Test
  void aSettingUnderItsEarlierNameIsTheSame() throws Exception {
    TrainingSettings settings =
        TrainingSettings.dpo().toBuilder().activationCheckpointing(true).build();
    String stored =
        JSON.writeValueAsString(of(settings, 1, "a"))
            .replace("activationCheckpointing", "recompute")
            .replace("lossParameters", "terms");
    assertThat(JSON.readValue(stored, Fingerprint.class)).isEqualTo(of(settings, 1, "a"));
  }

  @Test
  void whatAnEarlierVersionStoredIsSeenAsSuch() throws Exception {
    assertThat(JSON.readValue("\"0a1b2c\"", Fingerprint.class).version()).isZero();
  }
}
