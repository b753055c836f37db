package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.Candidate;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.config.Ranges;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.plugins.Requirements;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "generate",
    description = "Answers each prompt of a file, as often as wanted.",
    mixinStandardHelpOptions = true)
public final class GenerateCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Option(
      names = "--prompts",
      required = true,
      paramLabel = "IN.jsonl",
      description =
          "a line each: {\"id\", \"prompt\"} or {\"id\", \"messages\"}; the chat template is applied")
  private Path prompts;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "OUT.jsonl",
      description =
          "a line a prompt, in the prompts' order; cut off by Ctrl-C, those that were done; killed,"
              + " those that waited for others are in OUT.jsonl.waiting")
  private Path output;

  @Option(
      names = "--samples",
      defaultValue = "1",
      description = "candidates a prompt (default: ${DEFAULT-VALUE})")
  private int samples;

  @Option(
      names = "--max-tokens",
      defaultValue = "256",
      description = "new tokens at most (default: ${DEFAULT-VALUE})")
  private int maxTokens;

  @Option(
      names = "--temperature",
      defaultValue = "0.7",
      description = "0 is greedy (default: ${DEFAULT-VALUE})")
  private double temperature;

  @Option(names = "--top-p", defaultValue = "0.9", description = "default: ${DEFAULT-VALUE}")
  private double topP;

  @Option(names = "--top-k", defaultValue = "0", description = "0: all (default)")
  private int topK;

  @Option(names = "--min-p", defaultValue = "0", description = "default: ${DEFAULT-VALUE}")
  private double minP;

  @Option(names = "--repetition-penalty", defaultValue = "1", description = "1: none (default)")
  private double repetitionPenalty;

  @Option(names = "--stop", description = "a text that ends a candidate; may be given again")
  private List<String> stop = new ArrayList<>();

  @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(names = "--ignore-eos", description = "go on past the end-of-text token")
  private boolean ignoreEos;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    Ranges.whole("--samples", samples, 1, Ranges.SAMPLES);
    Ranges.whole("--max-tokens", maxTokens, 1, Ranges.TOKENS);
    List<Prompt> read = JsonLines.distinctPrompts(prompts);
    SamplingParameters sampling =
        new SamplingParameters(
            maxTokens, temperature, topK, topP, minP, repetitionPenalty, stop, ignoreEos);
    List<GenerationRequest> requests = new ArrayList<>();
    Map<String, Integer> indices = new HashMap<>();
    for (int i = 0; i < read.size(); i++) {
      int index = i;
      indices.put(read.get(i).id(), i);
      requests.add(new GenerationRequest(read.get(i), Seeds.list(samples, seed, index), sampling));
    }
    Progress progress = new Progress();
    Plugins plugins = Plugins.discover(List.of());
    Requirements.sampling(model.generator(plugins), sampling, "--");
    try (OrderedLines lines = new OrderedLines(output, prompts);
        TokenCountingGenerator opened = model.open(plugins)) {
      report.startWork();
      int[] done = {0};
      SignalHandling.guard(
          cancellation -> {
            progress.begin("generate", 0, read.size());
            opened.generate(
                requests,
                generation -> {
                  lines.put(indices.get(generation.promptId()), line(generation));
                  progress.progressed(++done[0], read.size());
                },
                cancellation);
            return true;
          });
      double seconds = report.seconds();
      progress.finish();
      report
          .work(opened.tokens())
          .print(
              String.format(
                  Locale.ROOT,
                  "%d tokens in %.1f s, %.1f a second; written to %s",
                  opened.tokens(),
                  seconds,
                  opened.tokens() / seconds,
                  output));
    }
    return 0;
  }

  private static Map<String, Object> line(Generation generation) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("id", generation.promptId());
    line.put("prompt_tokens", generation.promptTokens());
    line.put("samples", generation.candidates().stream().map(GenerateCommand::sample).toList());
    return line;
  }

  private static Map<String, Object> sample(Candidate candidate) {
    Map<String, Object> sample = new LinkedHashMap<>();
    sample.put("text", candidate.text());
    sample.put("tokens", candidate.tokens());
    candidate.logProbability().ifPresent(found -> sample.put("logprob", found));
    sample.put("finish_reason", EnumNames.of(candidate.finishReason()));
    return sample;
  }
}
