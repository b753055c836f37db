package org.autodidact.cli.commands;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.OrderedLines;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.evaluation.Conversations;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "answers",
    description =
        "Answers the questions of a benchmark and writes them in the form that it reads; the judging"
            + " is its own.",
    mixinStandardHelpOptions = true)
final class AnswersCommand implements Callable<Integer> {
  /** The benchmark whose file format is written. */
  enum Form {
    /** A JSON list of instruction, output, generator and dataset. */
    ALPACA_EVAL,
    /** A JSON object a line with the turns of an answer. */
    MT_BENCH
  }

  @Mixin private ModelOptions model;

  @Option(
      names = "--questions",
      required = true,
      paramLabel = "IN.jsonl",
      description =
          "{\"instruction\", \"dataset\"} for alpaca-eval; {\"question_id\", \"category\","
              + " \"turns\"} for mt-bench")
  private Path questions;

  @Option(names = "--form", required = true, description = "alpaca-eval or mt-bench")
  private String form;

  @Option(names = "--name", required = true, description = "what the model is called there")
  private String name;

  @Option(names = "--output", required = true, paramLabel = "OUT", description = "the answers")
  private Path output;

  @Option(
      names = "--max-tokens",
      defaultValue = "512",
      description = "tokens of an answer at most (default: ${DEFAULT-VALUE})")
  private int maxTokens;

  @Option(
      names = "--temperature",
      description = "default: 0.7; with mt-bench what FastChat has for the category")
  private Double temperature;

  @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  @Mixin private JsonReport report;

  /** A question, and what else its line says. */
  private record Question(List<String> turns, JsonNode line) {}

  @Override
  public Integer call() {
    Form wanted = EnumNames.oneOf("--form", Form.class, form);
    List<Question> asked = JsonLines.read(questions, l -> new Question(turns(l, wanted), l.json()));
    OrderedLines out = new OrderedLines(output, questions);
    report.startWork();
    List<List<String>> answers;
    try (TokenCountingGenerator opened = model.open(Plugins.discover(List.of()))) {
      answers = answers(asked, opened);
      report.work(opened.tokens());
    }
    List<Map<String, Object>> lines = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      lines.add(
          wanted == Form.MT_BENCH
              ? mtBench(asked.get(i), answers.get(i))
              : alpacaEval(asked.get(i), answers.get(i).get(0)));
    }
    try (out) {
      if (wanted == Form.ALPACA_EVAL) {
        out.put(0, lines);
      } else {
        for (int i = 0; i < lines.size(); i++) {
          out.put(i, lines.get(i));
        }
      }
    }
    report
        .put("questions", asked.size())
        .print(asked.size() + " questions are answered in " + output);
    return 0;
  }

  private static List<String> turns(JsonLines.Line line, Form form) {
    if (form == Form.ALPACA_EVAL) {
      return List.of(line.text("instruction"));
    }
    List<String> turns = new ArrayList<>();
    line.json().path("turns").forEach(t -> turns.add(t.asText()));
    if (turns.isEmpty() || !line.json().has("question_id")) {
      throw new InvalidInputException(
          line.where() + ": mt-bench needs question_id and turns, a list of texts");
    }
    return turns;
  }

  private List<List<String>> answers(List<Question> asked, Generator opened) {
    Progress progress = new Progress();
    progress.begin("answers", 0, asked.size());
    List<List<String>> answers =
        SignalHandling.guard(
            cancellation ->
                Conversations.answerTurns(
                    asked.stream().map(Question::turns).toList(),
                    i -> Conversations.sampling(maxTokens, temperature(asked.get(i))),
                    opened,
                    seed,
                    cancellation));
    progress.finish();
    return answers;
  }

  /**
   * The temperature that is set, or FastChat's for the question's category; 0.7 where it has none.
   */
  private double temperature(Question question) {
    return temperature != null
        ? temperature
        : switch (question.line().path("category").asText("")) {
          case "extraction", "math", "coding", "reasoning" -> 0;
          case "stem", "humanities" -> 0.1;
          default -> 0.7;
        };
  }

  private Map<String, Object> alpacaEval(Question question, String answer) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("dataset", question.line().path("dataset").asText("unknown"));
    line.put("instruction", question.turns().get(0));
    line.put("output", answer);
    line.put("generator", name);
    return line;
  }

  private Map<String, Object> mtBench(Question question, List<String> answers) {
    Map<String, Object> choice = new LinkedHashMap<>();
    choice.put("index", 0);
    choice.put("turns", answers);
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("question_id", question.line().get("question_id"));
    line.put("answer_id", name + "-" + question.line().get("question_id").asText());
    line.put("model_id", name);
    line.put("choices", Collections.singletonList(choice));
    line.put("tstamp", System.currentTimeMillis() / 1e3);
    return line;
  }
}
