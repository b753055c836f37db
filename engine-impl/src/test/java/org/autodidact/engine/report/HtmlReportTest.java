package org.autodidact.engine.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.FakePlugin;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
  @TempDir Path folder;

  private String report(List<ExternalEvaluation> facts) throws Exception {
    try (RunStore store = RunStore.open(folder.resolve("run"))) {
      ExternalEvaluation.store(store, facts);
      return Files.readString(HtmlReport.write(store));
    }
  }

  @Test
  void aRunBecomesOnePageThatNeedsNothingElse() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    Files.writeString(
        folder.resolve("p.jsonl"),
        "{\"prompt\":\"<script>alert(1)</script>\"}\n{\"prompt\":\"b & c\"}\n{\"prompt\":\"d\"}\n");
    Autodidact.builder()
        .plugin(new FakePlugin(true))
        .build()
        .run(
            ConfigFile.parse(
                "{model: model, generator: fake, trainer: fake, prompts: {file: p.jsonl, per-iteration: 3}}",
                "test",
                Map.of(),
                folder),
            folder.resolve("run"));
    String html =
        report(
            List.of(
                new ExternalEvaluation("M1", 3.5, 0.05, 0.2, 0.8, 0.02, 9),
                new ExternalEvaluation("M2", 3.9, 0.05, 0.4, 0.79, 0.02, 9)));
    assertThat(html)
        .doesNotContain("<script", "http://", "https://")
        .contains(
            "The loop",
            "Against the truth",
            "Scores that the judge gave",
            "Provenance",
            "chosen",
            "&lt;script&gt;",
            "M2 3.9 plus or minus 0.05");
    assertThat(html.split("<svg ").length - 1)
        .as("each picture has its words")
        .isEqualTo(html.split("aria-label=").length - 1);
    String main = html.substring(html.indexOf("<main>"), html.indexOf("</main>") + 7);
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(
            new java.io.ByteArrayInputStream(
                main.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
  }

  @Test
  void aRunThatHasHardlyBegunHasAReport() throws Exception {
    assertThat(report(List.of())).contains("No candidates yet", "No training step yet");
  }
}
