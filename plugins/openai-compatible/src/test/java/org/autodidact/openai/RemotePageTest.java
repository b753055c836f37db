package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.Usage;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The configurations of docs/how-to/remote.md, with a stub and local parts that only pretend. */
class RemotePageTest {
  private static final Pattern YAML = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);
  private static final int CANDIDATES = 24 * 4;

  @TempDir Path folder;
  private final StubServer stub = new StubServer();
  private final Local local = new Local();
  private final Map<String, Usage> used = new HashMap<>();

  @BeforeEach
  void write() throws Exception {
    Files.createDirectories(folder.resolve("learner"));
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 48; i++) {
      prompts.append("{\"prompt\":\"question " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
  }

  @AfterEach
  void stop() {
    stub.close();
  }

  /** Runs the page's configuration of this index, and counts what the server was asked. */
  private int run(int index) throws Exception {
    Matcher yaml = YAML.matcher(Files.readString(Path.of("../../docs/how-to/remote.md")));
    List<String> found = new ArrayList<>();
    while (yaml.find()) {
      found.add(yaml.group(1));
    }
    assertThat(found).hasSize(4);
    Path config =
        Files.writeString(
            folder.resolve("run.yaml"),
            found
                .get(index)
                .replace("${OPENAI_BASE_URL}", stub.url())
                .replace("${OPENAI_API_KEY}", "${PATH}")
                .replace("models/SmolLM2-135M-Instruct.Q4_1.gguf", "learner")
                .replace("big-model", "judge"));
    Autodidact.builder()
        .plugin(local)
        .build()
        .run(ConfigFile.read(config, Map.of()), folder.resolve("run"));
    try (RunStore store = RunStore.read(folder.resolve("run"))) {
      assertThat(store.iterations().pairs(1)).isNotEmpty();
      assertThat(store.iterations().candidates(1)).hasSize(24);
      used.putAll(store.usage());
      assertThat(Files.readString(HtmlReport.write(store))).contains("Asked of servers");
    }
    return stub.requests.get();
  }

  /** Two iterates are judged by the same model. */
  @Test
  void aJudgeOnAServerBesideALocalLearner() throws Exception {
    assertThat(run(0)).isEqualTo(2 * CANDIDATES);
    assertThat(local.written).isEqualTo(2 * CANDIDATES);
    assertThat(stub.bodies)
        .allSatisfy(b -> assertThat(b.path("model").asText()).isEqualTo("judge"));
  }

  @Test
  void candidatesOfAServerAndALocalJudge() throws Exception {
    assertThat(run(1)).isEqualTo(CANDIDATES);
    assertThat(local.written).isEqualTo(3 * CANDIDATES); // three samples a judgement
  }

  @Test
  void allOnAServerButTheTraining() throws Exception {
    assertThat(run(2)).isEqualTo(2 * CANDIDATES);
    assertThat(local.written).isZero();
    assertThat(used).containsOnlyKeys("M1", "judge");
    assertThat(used.get("M1").requests()).isEqualTo(CANDIDATES);
    assertThat(used.get("M1").tokensIn()).isEqualTo(10L * CANDIDATES);
    assertThat(used.get("M1").tokensOut()).isGreaterThan(CANDIDATES);
    assertThat(folder.resolve("run/M2/of")).hasContent("M1");
  }

  @Test
  void eachIterateOnAServer() throws Exception {
    assertThat(run(3)).isEqualTo(2 * 2 * CANDIDATES); // two iterates write and judge
    assertThat(stub.bodies.stream().map(b -> b.path("model").asText()).distinct())
        .containsExactly(folder.resolve("learner").toString(), folder.resolve("run/M2").toString());
    assertThat(local.written).isZero();
  }

  /** A learner and a trainer under the names of the real ones. */
  private static final class Local implements Plugin {
    private int written;

    @Override
    public String name() {
      return "local";
    }

    @Override
    public List<GeneratorProvider> generators() {
      return List.of(
          new GeneratorProvider() {
            @Override
            public String name() {
              return "onnxruntime";
            }

            @Override
            public Generator open(GeneratorContext context) {
              return new Generator() {
                @Override
                public void generate(
                    List<GenerationRequest> all, Consumer<Generation> results, Cancellation c) {
                  all.forEach(request -> results.accept(written(request)));
                }

                @Override
                public void close() {}
              };
            }
          });
    }

    private Generation written(GenerationRequest request) {
      written += request.seeds().size();
      return new Generation(
          request.prompt().id(),
          List.of(),
          request.seeds().stream()
              .map(s -> new Candidate(s, "Score: " + Math.floorMod(s, 6), FinishReason.END_OF_TEXT))
              .toList());
    }

    @Override
    public List<TrainerProvider> trainers() {
      return List.of(TrainerProvider.of("djl-pytorch", context -> (Trainer) Local::train));
    }

    private static TrainingResult train(
        TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
      TrainingMetrics step = TrainingMetrics.of(1, 1, 1, Map.of("loss", 1.0));
      metrics.accept(step);
      try {
        Path output = Files.createDirectories(request.output().folder());
        Files.writeString(output.resolve("of"), request.base().name());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return new TrainingResult(request.output(), List.of(step), false);
    }
  }
}
