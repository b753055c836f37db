package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Against llama.cpp's own server with SmolLM2-135M-Instruct. Needs a Python with the package
 * xllamacpp in {@code AUTODIDACT_LLAMA_CPP}, and the fetched model.
 */
class LlamaCppServerTest {
  @TempDir static Path log;
  private static Optional<Process> server = Optional.empty();
  private static String url = "";

  @BeforeAll
  static void start() throws Exception {
    String python = System.getenv("AUTODIDACT_LLAMA_CPP");
    assumeTrue(python != null, "skipped: AUTODIDACT_LLAMA_CPP names no Python with xllamacpp");
    Path model =
        Path.of(System.getProperty("autodidact.models", ""))
            .resolve("SmolLM2-135M-Instruct.Q4_1.gguf");
    assumeTrue(Files.exists(model), "skipped: run scripts/fetch-model.sh");
    Path output = log.resolve("output.txt");
    Process process =
        new ProcessBuilder(python, "src/test/python/serve_llama_cpp.py", model.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    server = Optional.of(process);
    for (int i = 0; i < 600 && url.isEmpty(); i++) {
      assertThat(process.waitFor(100, TimeUnit.MILLISECONDS))
          .as(Files.readString(output))
          .isFalse();
      url =
          Files.readString(output)
              .lines()
              .filter(line -> line.startsWith("http://"))
              .findFirst()
              .orElse("");
    }
    assertThat(url).as(Files.readString(output)).isNotEmpty();
  }

  @AfterAll
  static void stop() {
    server.ifPresent(Process::destroyForcibly);
  }

  @Nested
  class Rules extends GeneratorRules {
    @Override
    protected Generator open() {
      return new RemoteProvider(ServerKind.LLAMA_CPP)
          .open(
              new GeneratorContext(
                  Checkpoint.reference("M0", "smollm2"),
                  ComputeSettings.automatic(),
                  PartOptions.of(Map.of("url", url, "concurrency", "4")),
                  Clock.systemDefaultZone(),
                  new Cancellation()));
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      return ServerKind.LLAMA_CPP.capabilities();
    }
  }

  /** Candidates and judgements by a real model, to M2. */
  @Test
  void aRunIsAllRemote(@TempDir Path folder) throws Exception {
    Files.writeString(
        folder.resolve("prompts.jsonl"),
        "{\"prompt\":\"Name a colour.\"}\n{\"prompt\":\"Name a river.\"}\n");
    // so small a model does not keep to the judges' own templates before it is fine-tuned
    Files.writeString(
        folder.resolve("template.txt"),
        "Question: {instruction}\nAnswer: {response}\n\nGrade the answer from 0 to 5. Write only"
            + " the grade, as in these examples:\nScore: 4\nScore: 1\nScore: 3\n");
    Path config =
        Files.writeString(
            folder.resolve("run.yaml"),
            """
            model: smollm2
            iterations: 1
            generator: {name: llama-cpp-server, options: {url: '%1$s', concurrency: 4}}
            trainer: stand-in
            judge:
              name: additive
              samples: 6
              max-tokens: 16
              template: template.txt
              model: smollm2
              generator: {name: openai-compatible, options: {url: '%1$s', concurrency: 4}}
            prompts: {file: prompts.jsonl, per-iteration: 2}
            candidates: {count: 8, max-tokens: 12, top-k: 40}
            """
                .formatted(url));
    Optional<Checkpoint> last = run(config, folder.resolve("run"));
    try (RunStore store = RunStore.read(folder.resolve("run"))) {
      assertThat(store.counts()).containsEntry("candidate", 16L).containsEntry("judgement", 16L);
      Candidate first = store.iterations().candidates(1).get(0).get(0).candidate();
      assertThat(first.text()).isNotBlank();
      assertThat(first.tokenCount().orElseThrow()).isBetween(1, 12);
      assertThat(first.logProbability().orElseThrow()).isNegative();
    }
    assumeTrue(last.isPresent(), "of so small a model's judgements too few had a score");
    assertThat(last).hasValue(Checkpoint.reference("M2", "smollm2"));
  }

  private static Optional<Checkpoint> run(Path config, Path output) {
    try {
      return Optional.of(StandInRun.run(config, output));
    } catch (InvalidInputException e) {
      assertThat(e).hasMessageContaining("no preference pair");
      return Optional.empty();
    }
  }

  @Test
  void itIsKnown() {
    assertThat(new Diagnosis(Map.of("OPENAI_BASE_URL", url)::get).server())
        .containsExactly(
            url + ": [smollm2]",
            "generator llama-cpp-server: ignore-end-of-text, min-p, model-references,"
                + " repetition-penalty, top-k");
  }
}
