package org.autodidact.external;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows in the form that a command reads. */
class RowTemplateTest {
  @TempDir Path folder;

  private List<String> rows(String template) throws Exception {
    Path file = Files.writeString(folder.resolve("row.jinja"), template);
    Path base = folder.resolve("base");
    if (!Files.exists(base)) {
      TinyModel.write(base, 1);
    }
    TrainingRequest request =
        new TrainingRequest(
            new Checkpoint("M1", base),
            List.of(
                new TrainingExample.Preference(
                    List.of(Message.user("say {{ it }}\nagain")), "\"yes\"", "no")),
            List.of(),
            TrainingSettings.dpo(),
            1,
            new Checkpoint("M2", folder.resolve("M2")),
            folder.resolve("state"));
    Path state = Files.createDirectories(folder.resolve("state"));
    RequestFiles.of(
            request,
            ComputeSettings.automatic(),
            Clock.systemUTC(),
            Optional.of(RowTemplate.read(file, Clock.systemUTC())))
        .writeTo(state);
    return Files.readAllLines(state.resolve("train.jsonl"));
  }

  @Test
  void textsAreDataWhateverTheyHold() throws Exception {
    assertThat(
            rows(
                "{\"instruction\": {{ prompt[-1].content | tojson }}, \"output\":"
                    + " [{{ chosen[0].content | tojson }}, {{ rejected[0].content | tojson }}]}\n"))
        .containsExactly(
            "{\"instruction\": \"say {{ it }}\\nagain\", \"output\":"
                + " [\"\\\"yes\\\"\", \"no\"]}");
  }

  @Test
  void whatIsNoLineIsRefused() {
    assertThatThrownBy(() -> rows("{{ prompt[0].content }}"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("row.jinja", "one line", "found 2", "tojson");
    assertThatThrownBy(() -> rows("{# nothing #}")).hasMessageContaining("found none");
  }

  @Test
  void whatIsNoTemplateIsNamedByItsLine() {
    assertThatThrownBy(() -> rows("a\n{{ prompt[ }}"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("row-template", "row.jinja, line 2");
    assertThatThrownBy(() -> rows("{{ prompt | nofilter }}"))
        .hasMessageContainingAll("row.jinja, line 1", "nofilter");
  }
}
