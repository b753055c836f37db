package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.cli.options.JudgingOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.data.AnsweredPrompt;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "judge",
    description = "Grades each answer of a file.",
    mixinStandardHelpOptions = true)
public final class JudgeCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Mixin private JudgingOptions judging;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "IN.jsonl",
      description =
          "a line each: {\"id\", \"instruction\", \"response\"}, or as for 'train sft'; 'pairwise' compares with"
              + " the other responses to the same instruction")
  private Path input;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "OUT.jsonl",
      description = "a line an answer, in the input's order")
  private Path output;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    int[] count = {0};
    JsonLines.Rows<JudgementRequest> rows =
        JsonLines.rows(
            input,
            line -> {
              int index = count[0]++;
              AnsweredPrompt read = AnsweredPrompt.of(line);
              String id = line.id(index);
              return new JudgementRequest(
                  id, read.prompt(id, line), read.answer(), judging.seeds(index), List.of());
            });
    rows.requireDistinct(rows.values().stream().map(JudgementRequest::id).toList());
    List<JudgementRequest> requests = withRivals(rows.values());
    Map<String, Integer> indices = new HashMap<>();
    for (int i = 0; i < requests.size(); i++) {
      indices.put(requests.get(i).id(), i);
    }
    Plugins plugins = Plugins.discover(List.of());
    try (OrderedLines lines = new OrderedLines(output, input);
        TokenCountingGenerator opened = model.openForJudge(plugins);
        Judge judge = judging.open(plugins, opened)) {
      report.startWork();
      List<Double> scores = new ArrayList<>();
      List<JudgementSample> samples = new ArrayList<>();
      SignalHandling.guard(
          cancellation -> {
            judge.judge(
                requests,
                judgement -> {
                  lines.put(indices.get(judgement.id()), line(judgement));
                  judgement.score().ifPresent(scores::add);
                  samples.addAll(judgement.samples());
                },
                cancellation);
            return true;
          });
      double seconds = report.seconds();
      report
          .work(opened.tokens())
          .put("judgements", requests.size())
          .put("scored", scores.size())
          .put("parse_failure_rate", JudgeMetrics.parseFailures(samples))
          .put("unread", JudgeMetrics.parseFailuresByReason(samples))
          .print(
              String.format(
                  Locale.ROOT,
                  "%d answers judged in %.1f s, %d have a score%s; written to %s",
                  requests.size(),
                  seconds,
                  scores.size(),
                  scores.isEmpty() ? "" : String.format(Locale.ROOT, ", mean %.2f", mean(scores)),
                  output));
      if (scores.isEmpty()) {
        throw new InvalidInputException(
            "none of "
                + requests.size()
                + " judgements has a score that could be read "
                + JudgeMetrics.parseFailuresByReason(samples)
                + "; what was written is in "
                + output
                + ". Raise --max-tokens, take a model fine-tuned on EFT data, or --judge expected-score");
      }
    }
    return 0;
  }

  /** Responses to one instruction are each other's rivals. */
  private static List<JudgementRequest> withRivals(List<JudgementRequest> requests) {
    Map<String, List<JudgementRequest>> byInstruction =
        requests.stream().collect(Collectors.groupingBy(JudgementRequest::instruction));
    return requests.stream()
        .map(
            r ->
                new JudgementRequest(
                    r.id(),
                    r.prompt(),
                    r.response(),
                    r.seeds(),
                    byInstruction.get(r.instruction()).stream()
                        .filter(other -> other != r)
                        .map(JudgementRequest::response)
                        .toList()))
        .toList();
  }

  static Map<String, Object> line(Judgement judgement) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("id", judgement.id());
    line.put("score", number(judgement.score()));
    line.put("samples", judgement.samples().stream().map(JudgeCommand::sample).toList());
    return line;
  }

  private static Map<String, Object> sample(JudgementSample sample) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("score", number(sample.score()));
    line.put("text", sample.text());
    if (sample.position() != JudgementSample.Position.ALONE) {
      line.put("shown", EnumNames.of(sample.position()));
    }
    sample.parseFailure().ifPresent(why -> line.put("unread", EnumNames.of(why)));
    return line;
  }

  /** JSON's null where there is no score. */
  private static Object number(OptionalDouble score) {
    return score.isPresent() ? score.getAsDouble() : null;
  }

  private static double mean(List<Double> scores) {
    return scores.stream().mapToDouble(x -> x).average().orElseThrow();
  }
}
