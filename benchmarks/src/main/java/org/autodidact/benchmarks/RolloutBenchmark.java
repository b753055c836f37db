package org.autodidact.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.judge.JudgeTemplate;

/**
 * The work of the peers' {@code bench_rollout.py}: 32 prompts, 4 candidates of 128 tokens each,
 * then 3 judgements of 64 tokens of each candidate; and, beside it, one expected score of each.
 * Temperature 0.7, top-p 0.9, end of text ignored. Prints one JSON line a round.
 *
 * <p>Arguments: model folder, prompts (JSONL), judge template, precision; then, where not all 32
 * prompts once are wanted, how many of them, how many rounds, and MiB for the cache. The property
 * {@code autodidact.generator} names another generator than {@code onnxruntime}, {@code
 * autodidact.provider} a device.
 */
public final class RolloutBenchmark {
  private static final int PROMPTS = 32;
  private static final int SAMPLES = 4;

  /** Fewer where a machine's set-up is tried, not its speed. */
  private static final int NEW = Integer.getInteger("autodidact.new", 128);

  private static final int JUDGEMENTS = 3;
  private static final int JUDGE_NEW = Math.min(64, NEW);
  private static final List<String> DIGITS =
      IntStream.rangeClosed(0, 5).mapToObj(Integer::toString).toList();

  private final Generator generator;

  private RolloutBenchmark(Generator generator) {
    this.generator = generator;
  }

  public static void main(String[] arguments) throws IOException {
    Path model = Path.of(arguments[0]);
    int count = arguments.length > 4 ? Integer.parseInt(arguments[4]) : PROMPTS;
    int rounds = arguments.length > 5 ? Integer.parseInt(arguments[5]) : 1;
    int memory = arguments.length > 6 ? Integer.parseInt(arguments[6]) : 0;
    List<Prompt> prompts = JsonLines.prompts(Path.of(arguments[1])).subList(0, count);
    JudgeTemplate template =
        JudgeTemplate.additive(Optional.of(Files.readString(Path.of(arguments[2]))));
    ComputeSettings settings =
        new ComputeSettings(
            new ComputeSettings.Precision(arguments[3].toLowerCase(Locale.ROOT).replace("_", "-")),
            0,
            memory,
            GenerateBenchmark.device());
    try (Generator generator =
        Autodidact.builder()
            .build()
            .plugins()
            .generator(System.getProperty("autodidact.generator", "onnxruntime"))
            .open(new Checkpoint("M0", model), settings)) {
      RolloutBenchmark benchmark = new RolloutBenchmark(generator);
      benchmark.ask(List.of(Prompt.of("warm", "Say hello.")), 2, 16);
      for (int round = 0; round < rounds; round++) {
        benchmark.run(prompts, template, arguments[3]);
      }
    }
  }

  private void run(List<Prompt> prompts, JudgeTemplate template, String precision) {
    long start = System.nanoTime();
    List<Generation> generations = ask(prompts, SAMPLES, NEW);
    final double candidates = since(start);
    List<Prompt> judged = new ArrayList<>();
    for (Generation generation : generations) {
      Prompt prompt =
          prompts.stream()
              .filter(p -> p.id().equals(generation.promptId()))
              .findFirst()
              .orElseThrow();
      for (Candidate candidate : generation.candidates()) {
        judged.add(
            template.prompt(
                prompt.id() + "/" + candidate.seed(), prompt.instruction(), candidate.text()));
      }
    }
    start = System.nanoTime();
    List<Generation> verdicts = ask(judged, JUDGEMENTS, JUDGE_NEW);
    double sampled = since(start);
    start = System.nanoTime();
    List<Scoring> scorings = new ArrayList<>();
    generator
        .scorer()
        .orElseThrow()
        .score(
            judged.stream().map(p -> new ScoringRequest(p, "Score: ", DIGITS, false)).toList(),
            scorings::add,
            new Cancellation());
    double expected = since(start);
    int written = tokens(generations, SAMPLES, NEW);
    int graded = tokens(verdicts, JUDGEMENTS, JUDGE_NEW);
    if (scorings.size() != judged.size()) {
      throw new IllegalStateException("scores are missing: " + scorings.size());
    }
    System.out.printf(
        Locale.ROOT,
        "{\"engine\": \"autodidact\", \"precision\": \"%s\", \"candidate_tokens\": %d,"
            + " \"judge_prompt_tokens\": %d, \"judge_tokens\": %d, \"candidate_seconds\": %.2f,"
            + " \"judge_seconds\": %.2f, \"expected_score_seconds\": %.2f, \"seconds\": %.2f,"
            + " \"tokens_per_second\": %.1f, \"resident_mb\": %d}%n",
        precision,
        written,
        verdicts.stream().mapToInt(v -> v.promptTokens().size()).sum(),
        graded,
        candidates,
        sampled,
        expected,
        candidates + sampled,
        (written + graded) / (candidates + sampled),
        ProcessMemory.megabytes("VmRSS"));
  }

  private List<Generation> ask(List<Prompt> prompts, int samples, int tokens) {
    SamplingParameters sampling = SamplingParameters.candidates(tokens).withIgnoreEndOfText(true);
    List<Generation> found = new ArrayList<>();
    generator.generate(
        prompts.stream()
            .map(
                p ->
                    new GenerationRequest(
                        p, LongStream.range(0, samples).boxed().toList(), sampling))
            .toList(),
        found::add,
        new Cancellation());
    return found;
  }

  private static int tokens(List<Generation> generations, int samples, int tokens) {
    int sum = 0;
    for (Generation generation : generations) {
      for (Candidate candidate : generation.candidates()) {
        sum += candidate.tokens().size();
      }
    }
    if (sum != generations.size() * samples * tokens) {
      throw new IllegalStateException("not the work that was asked for: " + sum + " tokens");
    }
    return sum;
  }

  private static double since(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
