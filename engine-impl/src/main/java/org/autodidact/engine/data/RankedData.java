package org.autodidact.engine.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.ShownText;
import org.autodidact.engine.data.JsonLines.Line;
import org.autodidact.engine.data.RankedInstruction.Answer;

/**
 * Reads ranked answers, a JSON object a line; the keys say which form it has.
 *
 * <ul>
 *   <li>ours: {@code instruction}, {@code responses}: a list of {@code text} with {@code
 *       preference} (higher is better) or {@code rank} (0 or 1 is the best)
 *   <li>pairs: {@code chosen} and {@code rejected} in every form that {@link Examples#preference}
 *       reads, lists of messages and Anthropic's dialogues among them; the last answers count, and
 *       the whole dialogue before them is the instruction, as HH writes one
 *   <li>AlpacaEval's annotations: {@code instruction}, {@code output_1}, {@code output_2}, {@code
 *       preference}: 1 or 2 or between, nearer to the better one; lines without one are left out
 *   <li>Open Assistant's message trees: {@code prompt} with {@code replies}, each with {@code
 *       text}, {@code role} and {@code rank}; first-turn English prompts whose replies are ranked,
 *       others are left out. Given trees, one line is one tree
 * </ul>
 */
public final class RankedData {
  private RankedData() {}

  /** All instructions with at least two answers. */
  public static List<RankedInstruction> read(Path file) {
    List<RankedInstruction> found =
        JsonLines.read(file, RankedData::line).stream().flatMap(Optional::stream).toList();
    if (found.isEmpty()) {
      throw new InvalidInputException(file + ": no line has two ranked answers in English");
    }
    return found;
  }

  private static Optional<RankedInstruction> line(Line line) {
    JsonNode json = line.json();
    if (json.has("responses")) {
      return Optional.of(ours(line));
    }
    if (json.has("output_1")) {
      return annotation(line);
    }
    if (Examples.hasPair(line) || json.has("chosen")) {
      return Optional.of(pair(line));
    }
    if (json.path("prompt").has("replies")) {
      return tree(line, json.get("prompt"));
    }
    throw new InvalidInputException(
        line.where()
            + ": not a known form of ranked answers; expected 'responses', 'chosen' and 'rejected',"
            + " 'output_1' and 'output_2', or an Open Assistant tree, found the keys "
            + line.keys());
  }

  private static RankedInstruction ours(Line line) {
    List<Answer> answers = new ArrayList<>();
    JsonNode list = line.json().get("responses");
    for (JsonNode r : list) {
      boolean ranked = JsonLines.isFinite(r.path("rank"));
      if (!r.path("text").isTextual() || !(ranked || JsonLines.isFinite(r.path("preference")))) {
        throw new InvalidInputException(
            line.where()
                + ": response "
                + answers.size()
                + " needs a text and a number, 'preference' or 'rank'");
      }
      answers.add(
          new Answer(
              Line.encodable(r.get("text").asText()),
              ranked ? -r.get("rank").asDouble() : r.get("preference").asDouble()));
    }
    if (answers.size() < 2) {
      throw new InvalidInputException(
          line.where() + ": expected at least two responses, found " + answers.size());
    }
    String instruction =
        line.has("instruction")
            ? line.text("instruction")
            : Message.transcript(Examples.prompt(line));
    return new RankedInstruction(instruction, answers);
  }

  private static Optional<RankedInstruction> annotation(Line line) {
    JsonNode preference = line.json().path("preference");
    if (preference.isNull() || preference.isMissingNode()) {
      return Optional.empty();
    }
    double p = preference.asDouble();
    if (!preference.isNumber() || !(p >= 1 && p <= 2)) {
      throw new InvalidInputException(
          line.where()
              + ": 'preference' must be a number from 1 to 2, found "
              + ShownText.of(preference, 40));
    }
    return Optional.of(
        new RankedInstruction(
            line.text("instruction"),
            List.of(
                new Answer(line.text("output_1"), 2 - p),
                new Answer(line.text("output_2"), p - 1))));
  }

  private static RankedInstruction pair(Line line) {
    Examples.Pair pair = Examples.pair(line);
    return new RankedInstruction(
        Message.transcript(pair.prompt()),
        List.of(new Answer(pair.chosen(), 1), new Answer(pair.rejected(), 0)));
  }

  private static Optional<RankedInstruction> tree(Line line, JsonNode prompt) {
    if (!prompt.path("text").isTextual()) {
      throw new InvalidInputException(line.where() + ": the tree's prompt has no text");
    }
    if (!prompt.path("lang").asText("en").toLowerCase(Locale.ROOT).startsWith("en")) {
      return Optional.empty();
    }
    List<Answer> answers = new ArrayList<>();
    for (JsonNode reply : prompt.get("replies")) {
      if (JsonLines.isFinite(reply.path("rank")) && reply.path("text").isTextual()) {
        answers.add(
            new Answer(Line.encodable(reply.get("text").asText()), -reply.get("rank").asDouble()));
      }
    }
    return answers.size() < 2
        ? Optional.empty()
        : Optional.of(new RankedInstruction(Line.encodable(prompt.get("text").asText()), answers));
  }
}
