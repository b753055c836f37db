package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFeature;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.onnxruntime.OnnxRuntimePlugin;
import org.autodidact.pytorch.PyTorchPlugin;
import org.junit.jupiter.api.Test;

/** The tables of docs/models.md are what the back ends say of themselves. */
class ModelTableTest {
  private static final Path PAGE = Path.of("..", "docs", "models.md");

  @Test
  void theTablesAreWhatTheBackEndsSay() throws IOException {
    String page = Files.readString(PAGE);
    assertThat(between(page, "features"))
        .as("put this into " + PAGE + ":\n" + features())
        .isEqualTo(features());
    assertThat(between(page, "public-models"))
        .as("put this into " + PAGE + ":\n" + publicModels())
        .isEqualTo(publicModels());
  }

  private static String between(String page, String name) {
    String begin = "<!-- " + name + ": made by ModelTableTest -->\n";
    int from = page.indexOf(begin) + begin.length();
    return page.substring(from, page.indexOf("<!-- /" + name + " -->", from));
  }

  private static List<BackendCapabilities> backEnds() {
    List<BackendCapabilities> all = new ArrayList<>(OnnxRuntimePlugin.CAPABILITIES);
    all.add(PyTorchPlugin.CAPABILITIES);
    return all;
  }

  /** A row a feature, a column a back end. */
  private static String features() {
    StringBuilder table = new StringBuilder(head("a model needs"));
    for (ModelFeature feature : ModelFeature.values()) {
      table.append(row(feature.toString(), c -> c.features().contains(feature)));
    }
    return table.toString();
  }

  /** A row a model, by the hyperparameters of its public config.json. */
  private static String publicModels() throws IOException {
    StringBuilder table = new StringBuilder(head("model"));
    try (InputStream in = ModelTableTest.class.getResourceAsStream("public-models.json")) {
      for (Map.Entry<String, JsonNode> model : JsonFiles.MAPPER.readTree(in).properties()) {
        ModelConfig config =
            ConfigReader.read(model.getKey(), (ObjectNode) model.getValue(), Optional.empty());
        table.append(row(model.getKey(), c -> c.supports(config)));
      }
    }
    return table.toString();
  }

  private static String head(String first) {
    return "| "
        + first
        + " | "
        + backEnds().stream().map(BackendCapabilities::backend).collect(Collectors.joining(" | "))
        + " |\n|---|"
        + "---|".repeat(backEnds().size())
        + "\n";
  }

  private static String row(String name, Predicate<BackendCapabilities> supports) {
    return "| "
        + name
        + " | "
        + backEnds().stream()
            .map(c -> supports.test(c) ? "yes" : "no")
            .collect(Collectors.joining(" | "))
        + " |\n";
  }
}
