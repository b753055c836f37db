package org.autodidact.cli.commands;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.MetricsTable;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.data.RankedData;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.evaluation.JudgeMetrics;
import org.autodidact.engine.evaluation.JudgedInstruction;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "scores",
    description =
        "Holds scores that were given before, by 'evaluate judge' or by anyone, against the ranking.",
    mixinStandardHelpOptions = true)
final class EvaluateScoresCommand implements Callable<Integer> {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "RANKED.jsonl",
      description = "ranked answers, as for 'evaluate judge'")
  private Path data;

  @Option(
      names = "--scores",
      required = true,
      paramLabel = "OUT.jsonl",
      description =
          "a line each: {\"id\": \"INSTRUCTION/ANSWER\", \"score\", \"samples\"}; may be given again."
              + " Instructions without all of their answers are left out")
  private List<Path> files;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    Map<String, Judgement> found = new HashMap<>();
    for (Path file : files) {
      for (Judgement judgement : JsonLines.read(file, EvaluateScoresCommand::judgement)) {
        if (found.put(judgement.id(), judgement) != null) {
          throw new InvalidInputException(
              file + ": the id '" + judgement.id() + "' has occurred before; give each part once");
        }
      }
    }
    List<RankedInstruction> all = RankedData.read(data);
    List<JudgedInstruction> judged = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      List<Judgement> judgements = new ArrayList<>();
      for (int k = 0; k < all.get(i).answers().size(); k++) {
        Optional.ofNullable(found.remove(i + "/" + k)).ifPresent(judgements::add);
      }
      if (judgements.size() == all.get(i).answers().size()) {
        judged.add(new JudgedInstruction(all.get(i), judgements));
      }
    }
    if (!found.isEmpty()) {
      throw new InvalidInputException(
          files
              + ": the id '"
              + Collections.min(found.keySet())
              + "' is no INSTRUCTION/ANSWER of "
              + data
              + ", both counted from 0; were the scores made from another file?");
    }
    if (judged.isEmpty()) {
      throw new InvalidInputException(
          files + ": no instruction of " + data + " has a score for each of its answers");
    }
    MetricsTable.print(JudgeMetrics.of(judged, Scale.FIVE_POINTS), report);
    return 0;
  }

  private static Judgement judgement(JsonLines.Line line) {
    List<JudgementSample> samples = new ArrayList<>();
    for (JsonNode sample : line.json().path("samples")) {
      samples.add(
          new JudgementSample(
              score(sample),
              sample.path("text").asText(""),
              EnumNames.oneOf("shown", Position.class, sample.path("shown").asText("alone"))));
    }
    JsonNode score = line.json().path("score");
    if (!JsonLines.isFinite(score) && !score.isNull()) {
      throw new InvalidInputException(
          line.where()
              + ": 'score' must be a number, or null where the judge gave none; found "
              + (score.isMissingNode() ? "the keys " + line.keys() : score));
    }
    return new Judgement(line.text("id"), score(line.json()), samples);
  }

  private static OptionalDouble score(JsonNode node) {
    JsonNode score = node.path("score");
    return score.isNumber() ? OptionalDouble.of(score.asDouble()) : OptionalDouble.empty();
  }
}
