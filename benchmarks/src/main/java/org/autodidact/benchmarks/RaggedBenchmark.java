package org.autodidact.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.data.JsonLines;

/**
 * What lengths that differ cost: 256 answers of 8 to 256 tokens against 256 of 132, alternating,
 * and the resident memory after each. Prints one JSON line a round.
 *
 * <p>Arguments: model folder, prompts (JSONL), precision, rounds.
 */
public final class RaggedBenchmark {
  private static final int REQUESTS = 256;
  private static final int SHORTEST = 8;
  private static final int LONGEST = 256;

  private RaggedBenchmark() {}

  public static void main(String[] arguments) {
    List<Prompt> prompts = JsonLines.prompts(Path.of(arguments[1]));
    ComputeSettings settings =
        new ComputeSettings(
            new ComputeSettings.Precision(arguments[2].toLowerCase(Locale.ROOT).replace("_", "-")),
            0,
            0);
    try (Generator generator =
        Autodidact.builder()
            .build()
            .plugins()
            .generator("onnxruntime")
            .open(new Checkpoint("M0", Path.of(arguments[0])), settings)) {
      for (int round = 0; round < Integer.parseInt(arguments[3]); round++) {
        double equal = rate(generator, prompts, i -> (SHORTEST + LONGEST) / 2);
        // 97 and 249 have no common divisor, so that all lengths occur.
        double ragged = rate(generator, prompts, i -> SHORTEST + i * 97 % (LONGEST - SHORTEST + 1));
        System.out.printf(
            Locale.ROOT,
            "{\"engine\": \"autodidact\", \"precision\": \"%s\", \"equal_tokens_per_second\": %.1f,"
                + " \"ragged_tokens_per_second\": %.1f, \"ratio\": %.3f, \"resident_mb\": %d}%n",
            arguments[2],
            equal,
            ragged,
            ragged / equal,
            ProcessMemory.megabytes("VmRSS"));
      }
    }
  }

  private static double rate(Generator generator, List<Prompt> prompts, IntUnaryOperator length) {
    List<GenerationRequest> requests =
        IntStream.range(0, REQUESTS)
            .mapToObj(
                i ->
                    new GenerationRequest(
                        Prompt.of("p" + i, prompts.get(i % prompts.size()).instruction()),
                        List.of((long) i),
                        SamplingParameters.candidates(length.applyAsInt(i))
                            .withIgnoreEndOfText(true)))
            .toList();
    List<Generation> found = new ArrayList<>();
    long start = System.nanoTime();
    generator.generate(requests, found::add, new Cancellation());
    double seconds = (System.nanoTime() - start) / 1e9;
    return found.stream().mapToInt(g -> g.candidates().get(0).tokens().size()).sum() / seconds;
  }
}
