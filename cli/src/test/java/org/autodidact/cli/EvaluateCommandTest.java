package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;

/** {@code evaluate} and the data that judges are trained on. */
class EvaluateCommandTest extends CommandLineTest {
  /** The arguments of {@code evaluate duel}, judged by {@link #model}. */
  private Object[] duel(Path a, Path b, Path prompts, Object... more) {
    List<Object> arguments =
        new ArrayList<>(List.of("evaluate", "duel", a, b, "--prompts", prompts, "--model", model));
    arguments.addAll(List.of(more));
    return arguments.toArray();
  }

  @Test
  void aJudgeIsHeldAgainstARankingAtOnceOrFromWhatItWrote() throws Exception {
    Path ranked =
        file(
            "ranked.jsonl",
            """
            {"instruction":"x","responses":[{"text":"a b","rank":2},{"text":"b","rank":1},{"text":"","rank":3}]}
            {"prompt":"x y","chosen":"z","rejected":"y y"}
            {"instruction":"z","output_1":"x","output_2":"y","preference":1.9}
            {"chosen":"\\n\\nHuman: x\\n\\nAssistant: y","rejected":"\\n\\nHuman: x\\n\\nAssistant: z"}
            {"prompt":{"text":"x","lang":"en","replies":[{"text":"y","rank":0},{"text":"z","rank":1}]}}
            """);
    for (String judge : List.of("expected-score", "pairwise")) {
      Path first = folder.resolve(judge + "0.jsonl");
      Path rest = folder.resolve(judge + "2.jsonl");
      evaluate("--count", "2", judge, ranked, first);
      evaluate("--first", "2", judge, ranked, rest);
      evaluate("--first", "0", judge, ranked, folder.resolve(judge + ".jsonl"));
      JsonNode whole = last();
      assertThat(whole.path("instructions").asInt()).isEqualTo(5);
      assertThat(whole.path("pairs").asInt()).isEqualTo(3 + 1 + 1 + 1 + 1);
      assertThat(whole.path("pairwise_accuracy").asDouble()).isBetween(0.0, 1.0);
      assertThat(whole.path("position_bias").isNull()).isEqualTo(judge.equals("expected-score"));
      assertThat(
              autodidact(
                  "evaluate",
                  "scores",
                  "--data",
                  ranked,
                  "--scores",
                  first,
                  "--scores",
                  rest,
                  "--json"))
          .as(err)
          .isZero();
      for (String metric : List.of("pairwise_accuracy", "spearman", "position_bias", "brier")) {
        assertThat(last().path(metric).asDouble())
            .as(metric)
            .isCloseTo(whole.path(metric).asDouble(), within(1e-4));
      }
    }
    assertRefused(
        3,
        "without-id.jsonl, line 1",
        "evaluate",
        "scores",
        "--scores",
        file("without-id.jsonl", "{\"score\":1}\n"),
        "--data",
        ranked);
    Map<String, String> wrong =
        Map.of(
            "{\"id\":\"0/0\"}", "wrong.jsonl, line 1: 'score' must be a number",
            "{\"id\":\"0/0\",\"score\":\"5\"}", "wrong.jsonl, line 1: 'score' must be a number",
            "{\"id\":\"0/0\",\"score\":1e400}", "wrong.jsonl, line 1: 'score' must be a number",
            "{\"id\":\"99/0\",\"score\":5}", "the id '99/0' is no INSTRUCTION/ANSWER");
    for (Map.Entry<String, String> line : wrong.entrySet()) {
      assertRefused(
          3,
          line.getValue(),
          "evaluate",
          "scores",
          "--scores",
          file("wrong.jsonl", line.getKey() + "\n"),
          "--data",
          ranked);
    }
  }

  @Test
  void aRankingBecomesDataThatTeachToJudge() throws Exception {
    StringBuilder ranked = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      ranked.append("{\"instruction\":\"word" + i + "\",\"chosen\":\"x\",\"rejected\":\"y\"}\n");
    }
    Path data = file("ranked.jsonl", ranked.toString());
    Path eft = folder.resolve("eft");
    assertThat(autodidact("eft", "from-ranking", "--data", data, "--output", eft)).as(err).isZero();
    assertRefused(
        3,
        "no instruction is left to learn from",
        "eft",
        "from-ranking",
        "--data",
        data,
        "--exclude",
        file("asked.jsonl", ranked.toString().replace("instruction", "prompt")),
        "--output",
        folder.resolve("none-left"));
    List<JsonNode> train = lines(eft.resolve("train.jsonl"));
    assertThat(train).hasSize(12);
    assertThat(train.get(0).at("/messages/1/content").asText())
        .isEqualTo(train.get(0).path("judgement").asText())
        .isEqualTo("Score: 5");
    assertThat(train.get(0).at("/messages/0/content").asText()).contains("<response>x</response>");
    JsonNode provenance = lines(eft.resolve("provenance.json")).get(0);
    assertThat(provenance.path("made_by").asText()).contains("ranking alone");
    assertThat(provenance.path("held_out").asInt()).isEqualTo(2);
    evaluate("--count", "2", "expected-score", eft.resolve("held-out.jsonl"), null);
    Path trained = folder.resolve("judge");
    assertThat(
            autodidact(
                "train",
                "sft",
                "--model",
                model,
                "--data",
                eft.resolve("train.jsonl"),
                "--output",
                trained))
        .as(err)
        .isZero();
    assertRefused(
        3,
        "agrees with the ranking",
        "eft",
        "create",
        "--model",
        model,
        "--data",
        data,
        "--output",
        eft,
        "--max-tokens",
        2);
  }

  @Test
  void twoModelsAreHeldAgainstEachOther() throws Exception {
    Path other = TinyModel.write(folder.resolve("other"), 4);
    Path prompts =
        file("p.jsonl", "{\"prompt\":\"x y\"}\n{\"prompt\":\"z\"}\n{\"prompt\":\"y\"}\n");
    Path kept = folder.resolve("duel.jsonl");
    for (String judge : List.of("expected-score", "pairwise")) {
      assertThat(
              autodidact(
                  "evaluate",
                  "duel",
                  model,
                  other,
                  "--prompts",
                  prompts,
                  "--judge",
                  judge,
                  "--model",
                  model,
                  "--answer-tokens",
                  8,
                  "--output",
                  kept,
                  "--json"))
          .as(err)
          .isZero();
      JsonNode found = last();
      assertThat(
              found.path("wins").asInt()
                  + found.path("ties").asInt()
                  + found.path("losses").asInt())
          .isEqualTo(3);
      assertThat(found.path("win_rate").asDouble())
          .isEqualTo(
              lines(kept).stream().mapToDouble(n -> n.path("won").asDouble()).average().orElse(-1));
    }
    assertThat(
            autodidact(
                "evaluate",
                "duel",
                model,
                model,
                "--prompts",
                prompts,
                "--judge",
                "pairwise",
                "--model",
                model,
                "--answer-tokens",
                8,
                "--answer-temperature",
                0,
                "--json"))
        .as(err)
        .isZero();
    assertThat(last().path("win_rate").asDouble()).as("against itself").isEqualTo(0.5);
    Path none = folder.resolve("none");
    assertRefused(3, "no such model", duel(model, none, prompts));
    assertThat(err).as("what is wrong is said before anybody answers").doesNotContain("answers of");
    assertRefused(
        3,
        "--samples must be at least 1 and at most 10000, found 0",
        duel(model, model, prompts, "--samples", 0));
    assertThat(err).doesNotContain("answers of");
  }

  @Test
  void theProbabilityOfGivenAnswersIsMeasured() throws Exception {
    Path data =
        file(
            "d.jsonl",
            "{\"prompt\":\"x\",\"response\":\"a b\"}\n{\"prompt\":\"y\",\"response\":\"c\"}\n");
    assertThat(autodidact("evaluate", "perplexity", "--model", model, "--data", data, "--json"))
        .as(err)
        .isZero();
    assertThat(last().path("answer_tokens").asInt()).as("with the end of each").isEqualTo(6);
    assertThat(last().path("perplexity").asDouble()).isGreaterThan(1);
  }

  private void evaluate(String part, String n, String judge, Path data, Path output) {
    assertThat(
            autodidact(
                "evaluate",
                "judge",
                "--model",
                model,
                "--judge",
                judge,
                "--data",
                data,
                part,
                n,
                "--output",
                output == null ? folder.resolve("out.jsonl") : output,
                "--json"))
        .as(err)
        .isZero();
  }
}
