package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.gguf.GgufExport;
import org.autodidact.checkpoints.reference.ReferenceDecoder;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.conformance.ScorerRules;
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
  /** How far a token's ln p in llama.cpp may lie from ours in double precision; 0.005 measured. */
  private static final double F16_ROUNDING = 0.01;

  @TempDir static Path folder;
  private static final List<Process> SERVERS = new ArrayList<>();
  private static String url = "";
  private static String tinyUrl = "";

  @BeforeAll
  static void start() throws Exception {
    Path model =
        Path.of(System.getProperty("autodidact.models", ""))
            .resolve("SmolLM2-135M-Instruct.Q4_1.gguf");
    assumeTrue(Files.exists(model), "skipped: run scripts/fetch-model.sh");
    url = serve(model, "smollm2");
    Path tiny = TinyModel.write(folder.resolve("tiny"), 7);
    // cut by GPT-2's pattern, which llama.cpp knows
    Path tokenizer = tiny.resolve("tokenizer.json");
    Files.writeString(
        tokenizer,
        Files.readString(tokenizer)
            .replaceAll("\"use_regex\"\\s*:\\s*false", "\"use_regex\":true"));
    Path gguf = folder.resolve("tiny.gguf");
    try (ModelFolder opened = ModelFolder.open(tiny)) {
      GgufExport.write(opened, GgufExport.Weights.F16, gguf);
    }
    tinyUrl = serve(gguf, "tiny");
  }

  /** Starts a server; its address. */
  private static String serve(Path model, String name) throws Exception {
    String python = System.getenv("AUTODIDACT_LLAMA_CPP");
    assumeTrue(python != null, "skipped: AUTODIDACT_LLAMA_CPP names no Python with xllamacpp");
    Path output = folder.resolve(name + ".txt");
    Process process =
        new ProcessBuilder(
                python, "src/test/python/serve_llama_cpp.py", model.toString(), "0", name)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    SERVERS.add(process);
    for (int i = 0; i < 600; i++) {
      assertThat(process.waitFor(100, TimeUnit.MILLISECONDS))
          .as(Files.readString(output))
          .isFalse();
      Optional<String> address =
          Files.readString(output).lines().filter(line -> line.startsWith("http://")).findFirst();
      if (address.isPresent()) {
        return address.get();
      }
    }
    throw new AssertionError(Files.readString(output));
  }

  @AfterAll
  static void stop() {
    SERVERS.forEach(Process::destroyForcibly);
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

  /** The server of a small random model, as one that was handed it. */
  private static Generator handed(String... options) {
    return Opened.handed(ServerKind.LLAMA_CPP, tinyUrl, "tiny", folder.resolve("tiny"), options);
  }

  /** The learner's token ids in, the sampled ones out. */
  @Nested
  class HandedRules extends GeneratorRules {
    @Override
    protected Generator open() {
      return handed("concurrency", "4", "log-probabilities", "true");
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      Set<GeneratorCapability> all = EnumSet.copyOf(ServerKind.LLAMA_CPP.capabilities());
      all.add(GeneratorCapability.TOKEN_IDS);
      all.add(GeneratorCapability.LOG_PROBABILITIES);
      return all;
    }
  }

  @Test
  void oneRequestIsForAllCandidatesOfAPrompt() {
    List<Generation> found = new ArrayList<>();
    try (Generator generator = handed("one-request-a-prompt", "true")) {
      generator.generate(
          List.of(
              new GenerationRequest(
                  Prompt.of("p", "Say it."),
                  List.of(1L, 2L, 3L, 4L),
                  SamplingParameters.candidates(12))),
          found::add,
          new Cancellation());
      assertThat(generator.usage().requests()).isEqualTo(2); // with the one at opening
    }
    assertThat(found.get(0).candidates().stream().map(Candidate::tokens).distinct()).hasSize(4);
  }

  @Nested
  class Scores extends ScorerRules {
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
  }

  /**
   * A token that is forced is scored by the model's own logits: as our plain decoder scores it, of
   * the same weights but for F16. What was sampled has the log-probability that it is scored with.
   */
  @Test
  void scoresAreTheModels() {
    Prompt prompt = Prompt.of("p", "Is it so?");
    try (ModelFolder model = ModelFolder.open(folder.resolve("tiny"));
        Generator generator = handed("log-probabilities", "true")) {
      List<Scoring> found = new ArrayList<>();
      Scorer scorer = generator.scorer().orElseThrow();
      scorer.score(
          List.of(new ScoringRequest(prompt, "Score: ", List.of("0", "5", "ten"), true)),
          found::add,
          new Cancellation());
      int[] before =
          IntStream.concat(
                  Arrays.stream(model.encoder().prompt(prompt.messages())),
                  Arrays.stream(model.encoder().text("Score: ")))
              .toArray();
      for (int i = 0; i < 3; i++) {
        int[] scored =
            IntStream.concat(
                    Arrays.stream(model.encoder().text(List.of("0", "5", "ten").get(i))),
                    Arrays.stream(model.encoder().endOfTurn()))
                .toArray();
        double ours = sum(model, before, scored);
        double theirs = found.get(0).logProbabilities().get(i);
        assertThat(theirs).isCloseTo(ours, within(F16_ROUNDING * scored.length));
        assertThat(found.get(0).tokens().get(i)).isEqualTo(scored.length);
      }
      generator.generate(
          List.of(
              new GenerationRequest(
                  prompt, List.of(1L, 2L), SamplingParameters.candidates(12).withStop("e"))),
          generation -> {
            for (Candidate c : generation.candidates()) {
              int[] tokens = c.tokens().stream().mapToInt(t -> t).toArray();
              assertThat(c.logProbability().orElseThrow())
                  .isCloseTo(
                      sum(model, model.encoder().prompt(prompt.messages()), tokens),
                      within(F16_ROUNDING * tokens.length));
            }
          },
          new Cancellation());
    }
  }

  /** ln p of tokens after others, in double precision. */
  private static double sum(ModelFolder model, int[] before, int[] scored) {
    double[][] logits =
        new ReferenceDecoder(model)
            .logits(IntStream.concat(Arrays.stream(before), Arrays.stream(scored)).toArray());
    double sum = 0;
    for (int i = 0; i < scored.length; i++) {
      double[] row = logits[before.length + i - 1];
      double most = Arrays.stream(row).max().orElseThrow();
      double total = Arrays.stream(row).map(x -> Math.exp(x - most)).sum();
      sum += row[scored[i]] - most - Math.log(total);
    }
    return sum;
  }

  /** Candidates and judgements by a real model, to M2. */
  @Test
  void aRunIsAllRemote(@TempDir Path run) throws Exception {
    Files.writeString(
        run.resolve("prompts.jsonl"),
        "{\"prompt\":\"Name a colour.\"}\n{\"prompt\":\"Name a river.\"}\n");
    // so small a model does not keep to the judges' own templates before it is fine-tuned
    Files.writeString(
        run.resolve("template.txt"),
        "Question: {instruction}\nAnswer: {response}\n\nGrade the answer from 0 to 5. Write only"
            + " the grade, as in these examples:\nScore: 4\nScore: 1\nScore: 3\n");
    Path config =
        Files.writeString(
            run.resolve("run.yaml"),
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
    Optional<Checkpoint> last = run(config, run.resolve("run"));
    try (RunStore store = RunStore.read(run.resolve("run"))) {
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
                + " repetition-penalty, scores, top-k",
            "found: token ids yes, log-probabilities of given tokens yes, several candidates a"
                + " request yes");
  }
}
