package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.Prompt;
import org.autodidact.cli.options.JudgingOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.MetricsTable;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.data.RankedData;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.data.RankedInstruction.Answer;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.evaluation.JudgedInstruction;
import org.autodidact.engine.plugins.Plugins;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "judge",
    description = "Grades ranked answers and says how well the grades agree with the ranking.",
    mixinStandardHelpOptions = true)
final class EvaluateJudgeCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Mixin private JudgingOptions judging;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "RANKED.jsonl",
      description =
          "ranked answers: ours, pairs (UltraFeedback, HH), AlpacaEval's annotations, Open Assistant"
              + " trees")
  private Path data;

  @Option(
      names = "--first",
      defaultValue = "0",
      description = "the first instruction, counted from 0 (default: ${DEFAULT-VALUE})")
  private int first;

  @Option(
      names = "--count",
      defaultValue = "0",
      description = "how many instructions; 0: all that follow (default)")
  private int count;

  @Option(
      names = "--output",
      paramLabel = "OUT.jsonl",
      description =
          "keeps every judgement, ids INSTRUCTION/ANSWER; 'evaluate scores' reads parts together")
  private Path output;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    List<RankedInstruction> all = RankedData.read(data);
    if (first < 0 || count < 0 || first >= all.size()) {
      throw new InvalidInputException(
          "--first must be in [0, "
              + all.size()
              + ") and --count 0 or more; found "
              + first
              + " and "
              + count);
    }
    int end = count == 0 ? all.size() : Math.min(all.size(), first + count);
    List<JudgementRequest> requests = new ArrayList<>();
    Map<String, Integer> indices = new HashMap<>();
    for (int i = first; i < end; i++) {
      List<String> answers = all.get(i).answers().stream().map(Answer::text).toList();
      for (int k = 0; k < answers.size(); k++) {
        List<String> rivals = new ArrayList<>(answers);
        rivals.remove(k);
        indices.put(i + "/" + k, requests.size());
        requests.add(
            new JudgementRequest(
                i + "/" + k,
                Prompt.of(Integer.toString(i), all.get(i).instruction()),
                answers.get(k),
                judging.seeds(31 * i + k),
                rivals));
      }
    }
    Plugins plugins = Plugins.discover(List.of());
    try (OrderedLines lines = output == null ? null : new OrderedLines(output, data);
        TokenCountingGenerator opened = model.openForJudge(plugins);
        Judge judge = judging.open(plugins, opened)) {
      report.startWork();
      Map<String, Judgement> found = new HashMap<>();
      SignalHandling.guard(
          cancellation -> {
            judge.judge(
                requests,
                judgement -> {
                  found.put(judgement.id(), judgement);
                  if (lines != null) {
                    lines.put(indices.get(judgement.id()), JudgeCommand.line(judgement));
                  }
                },
                cancellation);
            return true;
          });
      double seconds = report.seconds();
      List<JudgedInstruction> judged = new ArrayList<>();
      for (int i = first; i < end; i++) {
        List<Judgement> judgements = new ArrayList<>();
        for (int k = 0; k < all.get(i).answers().size(); k++) {
          judgements.add(found.get(i + "/" + k));
        }
        judged.add(new JudgedInstruction(all.get(i), judgements));
      }
      report.work(opened.tokens()).put("judge", judging.judge());
      MetricsTable.print(JudgeMetrics.of(judged, judge.scale()), report);
    }
    return 0;
  }
}
