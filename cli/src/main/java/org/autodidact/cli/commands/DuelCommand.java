package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.Prompt;
import org.autodidact.cli.options.JudgingOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.MetricsTable;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.evaluation.Conversations;
import org.autodidact.engine.evaluation.Duel;
import org.autodidact.engine.plugins.Plugins;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "duel",
    description =
        "Two models answer the same prompts, and a judge says whose answers are better. --model is the"
            + " one that judges: a third, if it can be had.",
    mixinStandardHelpOptions = true)
final class DuelCommand implements Callable<Integer> {
  @Parameters(paramLabel = "A", description = "a Hugging Face folder, or a GGUF file")
  private Path first;

  @Parameters(paramLabel = "B", description = "the model that it is held against")
  private Path second;

  @Option(
      names = "--prompts",
      required = true,
      paramLabel = "IN.jsonl",
      description = "what both are asked, as for 'generate'")
  private Path prompts;

  @Option(
      names = "--output",
      paramLabel = "OUT.jsonl",
      description = "keeps both answers, both judgements and who won")
  private Path output;

  @Option(
      names = "--answer-tokens",
      defaultValue = "256",
      description = "tokens of an answer at most (default: ${DEFAULT-VALUE})")
  private int answerTokens;

  @Option(
      names = "--answer-temperature",
      defaultValue = "0.7",
      description = "0 is greedy (default: ${DEFAULT-VALUE})")
  private double answerTemperature;

  /** Judges; not one of the two, if it can be helped. */
  @Mixin private ModelOptions judgeModel;

  @Mixin private JudgingOptions judging;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    List<Prompt> asked = JsonLines.distinctPrompts(prompts);
    Plugins plugins = Plugins.discover(List.of());
    report.startWork();
    judging.check(plugins);
    OrderedLines lines = output == null ? null : new OrderedLines(output, prompts);
    Checkpoint firstModel = ModelOptions.checkpoint(first);
    Checkpoint secondModel = ModelOptions.checkpoint(second);
    List<String> ofFirst = answers(plugins, first, firstModel, asked);
    List<String> ofSecond = answers(plugins, second, secondModel, asked);
    List<JudgementRequest> requests = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      String a = ofFirst.get(i);
      String b = ofSecond.get(i);
      Prompt prompt = asked.get(i);
      requests.add(new JudgementRequest(i + "/A", prompt, a, judging.seeds(2 * i), List.of(b)));
      requests.add(new JudgementRequest(i + "/B", prompt, b, judging.seeds(2 * i + 1), List.of(a)));
    }
    Map<String, Judgement> found = new HashMap<>();
    List<Duel.Comparison> comparisons = new ArrayList<>();
    try (Generator model = judgeModel.openForJudge(plugins);
        Judge judge = judging.open(plugins, model);
        lines) {
      SignalHandling.guard(
          cancellation -> {
            judge.judge(requests, j -> found.put(j.id(), j), cancellation);
            return true;
          });
      for (int i = 0; i < asked.size(); i++) {
        Judgement a = found.get(i + "/A");
        Judgement b = found.get(i + "/B");
        OptionalDouble won = Duel.won(a, b, judge.scale());
        comparisons.add(new Duel.Comparison(ofFirst.get(i), ofSecond.get(i), won));
        if (lines != null) {
          Map<String, Object> line = new LinkedHashMap<>();
          line.put("id", asked.get(i).id());
          line.put("instruction", asked.get(i).instruction());
          line.put("a", ofFirst.get(i));
          line.put("b", ofSecond.get(i));
          line.put("won", won.isPresent() ? won.getAsDouble() : null);
          line.put("judgement_a", JudgeCommand.line(a));
          line.put("judgement_b", JudgeCommand.line(b));
          lines.put(i, line);
        }
      }
    }
    report.put("judge", judging.judge()).times();
    MetricsTable.print(Duel.metrics(comparisons), report);
    return 0;
  }

  private Generator open(Plugins plugins, Checkpoint model) {
    return judgeModel.open(plugins, model);
  }

  private List<String> answers(
      Plugins plugins, Path model, Checkpoint checkpoint, List<Prompt> asked) {
    Progress progress = new Progress();
    progress.begin("answers of " + model.getFileName(), 0, asked.size());
    try (Generator generator = open(plugins, checkpoint)) {
      List<String> answers =
          SignalHandling.guard(
              cancellation ->
                  Conversations.answer(
                      asked,
                      Conversations.sampling(answerTokens, answerTemperature),
                      generator,
                      judging.seed(),
                      cancellation));
      progress.finish();
      return answers;
    }
  }
}
