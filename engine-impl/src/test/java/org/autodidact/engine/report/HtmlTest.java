package org.autodidact.engine.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Plugin;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.FakePlugin;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlTest {
  @TempDir Path folder;

  @Test
  void noTextSteersAViewer() {
    assertThat(Html.text("a\u001b[2J\u0000\u0007\u202eb\n\t<c>\u009b"))
        .isEqualTo("a\\u001b[2J\\u0000\\u0007\\u202eb\n\t&lt;c&gt;\\u009b");
  }

  /** Grades by the seed, from 0 to 100. */
  private static final class Wide implements Judge {
    @Override
    public void judge(
        List<JudgementRequest> requests,
        java.util.function.Consumer<Judgement> results,
        org.autodidact.api.Cancellation cancellation) {
      int at = 0;
      for (JudgementRequest request : requests) {
        results.accept(
            Judgement.of(
                request.id(),
                List.of(new JudgementSample(java.util.OptionalDouble.of(at++ % 101), ""))));
      }
    }

    @Override
    public Scale scale() {
      return new Scale(0, 100);
    }

    @Override
    public void close() {}
  }

  @Test
  void theHistogramHasTheJudgesScale() throws Exception {
    Plugin plugin =
        new Plugin() {
          @Override
          public String name() {
            return "wide";
          }

          @Override
          public List<JudgeProvider> judges() {
            return List.of(
                new JudgeProvider() {
                  @Override
                  public String name() {
                    return "wide";
                  }

                  @Override
                  public Judge open(JudgeContext context) {
                    return new Wide();
                  }
                });
          }
        };
    Files.createDirectories(folder.resolve("model"));
    Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n");
    Path run = folder.resolve("run");
    Autodidact.builder()
        .plugin(new FakePlugin(true))
        .plugin(plugin)
        .build()
        .run(
            ConfigFile.parse(
                "{model: model, generator: fake, trainer: fake, iterations: 1, judge: {name: wide},"
                    + " prompts: {file: p.jsonl, per-iteration: 2}, candidates: {count: 30}}",
                "test",
                Map.of(),
                folder),
            run);
    try (RunStore store = RunStore.read(run)) {
      assertThat(store.scale()).isEqualTo(new Judge.Scale(0, 100));
      String html = Files.readString(HtmlReport.write(store));
      String scores = html.substring(html.indexOf("Scores that the judge gave"));
      assertThat(Optional.of(scores).get()).contains("90", "10 times 0", "10 times 50");
    }
  }
}
