package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code generate}, {@code judge}, {@code prompts} and {@code answers}. */
class GenerateCommandTest extends CommandLineTest {
  @Test
  void answersAndGradesAreWrittenInTheOrderOfTheirPrompts() throws Exception {
    Path prompts =
        file("p.jsonl", "{\"id\":\"a\",\"prompt\":\"x y z\"}\n{\"id\":\"b\",\"prompt\":\"x\"}\n");
    Path answers = folder.resolve("answers.jsonl");
    assertThat(
            autodidact(
                "generate",
                "--model",
                model,
                "--prompts",
                prompts,
                "--output",
                answers,
                "--samples",
                2,
                "--max-tokens",
                6,
                "--json"))
        .as(err)
        .isZero();
    assertThat(JSON.readTree(out.lines().reduce((a, b) -> b).orElseThrow()).isObject()).isTrue();
    assertThat(lines(answers))
        .hasSize(2)
        .extracting(n -> n.path("id").asText())
        .containsExactly("a", "b");
    Path input = file("j.jsonl", "{\"id\":\"q\",\"instruction\":\"x\",\"response\":\"\"}\n");
    Path grades = folder.resolve("grades.jsonl");
    assertThat(
            autodidact(
                "judge",
                "--model",
                model,
                "--judge",
                "expected-score",
                "--input",
                input,
                "--output",
                grades))
        .as(err)
        .isZero();
    assertThat(lines(grades).get(0).path("score").asDouble()).isBetween(0.0, 5.0);
  }

  @Test
  void promptsAreMadeAndCountedByFilter() throws Exception {
    StringBuilder seeds = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      seeds.append("{\"id\":\"s" + i + "\",\"instruction\":\"x y z\",\"input\":\"" + i + "\"}\n");
    }
    Path written = file("s.jsonl", seeds.toString());
    Path made = folder.resolve("made.jsonl");
    int code = makePrompts(written, made, 3);
    assertThat(code).as(err).isIn(0, 3);
    Path attempts = folder.resolve("made.jsonl.attempts");
    List<JsonNode> all = lines(attempts);
    assertThat(all.get(0).path("shots")).hasSize(1);
    assertThat(all).allMatch(n -> n.path("outcome").isTextual());
    if (code == 3) {
      assertThat(err).contains("are wanted", "unfinished=", "similar=");
    } else {
      assertThat(lines(made)).hasSize(3);
      assertThat(last().path("attempts").asInt()).isEqualTo(all.size());
    }
    String end = code == 3 ? err.substring(err.indexOf("autodidact: ")) : "";
    String wholeMade = Files.exists(made) ? Files.readString(made) : "";
    String whole = Files.readString(attempts);
    for (int cut : new int[] {0, 30, whole.length() / 3, whole.length() / 2, whole.length() - 1}) {
      Files.writeString(attempts, whole.substring(0, cut));
      Files.writeString(made, wholeMade.substring(0, Math.min(cut / 2, wholeMade.length())));
      assertThat(makePrompts(written, made, 3)).isEqualTo(code);
      assertThat(attempts)
          .usingCharset(StandardCharsets.UTF_8)
          .as("cut after %d", cut)
          .hasContent(whole);
      assertThat(made).usingCharset(StandardCharsets.UTF_8).hasContent(wholeMade);
      assertThat(err).contains(end);
    }
    assertThat(makePrompts(written, made, 4)).isEqualTo(3);
    assertThat(err).contains("made otherwise", "count: 3, 4");
    assertThat(attempts).usingCharset(StandardCharsets.UTF_8).hasContent(whole);
    assertRefused(
        3,
        "of 1 seeds the filters let 1 through",
        "prompts",
        "create",
        "--model",
        model,
        "--seeds",
        file("one.jsonl", "{\"prompt\":\"x y z\"}\n"),
        "--output",
        folder.resolve("none.jsonl"));
  }

  private int makePrompts(Path seeds, Path made, int count) {
    return autodidact(
        "prompts",
        "create",
        "--model",
        model,
        "--seeds",
        seeds,
        "--count",
        count,
        "--min-words",
        1,
        "--similarity",
        1,
        "--max-tokens",
        80,
        "--temperature",
        1,
        "--top-p",
        1,
        "--filters",
        "length,keywords",
        "--seed-shots",
        1,
        "--own-shots",
        0,
        "--output",
        made,
        "--json");
  }

  @Test
  void answersAreWrittenInTheBenchmarksForms() throws Exception {
    Path questions =
        file(
            "q.jsonl",
            """
            {"question_id": 81, "category": "math", "turns": ["x y", "z"]}
            {"question_id": 82, "category": "writing", "turns": ["y"]}
            """);
    Path answers = folder.resolve("answers.jsonl");
    answers("mt-bench", questions, answers);
    List<JsonNode> two = lines(answers);
    assertThat(two.get(0).path("question_id").asInt()).isEqualTo(81);
    assertThat(two.get(0).path("model_id").asText()).isEqualTo("tiny");
    assertThat(two.get(0).at("/choices/0/turns")).hasSize(2);
    assertThat(two.get(1).at("/choices/0/turns")).hasSize(1);
    Path alpaca = folder.resolve("alpaca.json");
    answers("alpaca-eval", file("a.jsonl", "{\"instruction\":\"x\",\"dataset\":\"d\"}"), alpaca);
    JsonNode list = JSON.readTree(Files.readString(alpaca));
    assertThat(list).hasSize(1);
    assertThat(list.get(0).fieldNames())
        .toIterable()
        .containsExactly("dataset", "instruction", "output", "generator");
    assertRefused(
        3,
        "q.jsonl, line 1",
        "evaluate",
        "answers",
        "--model",
        model,
        "--questions",
        questions,
        "--form",
        "alpaca-eval",
        "--name",
        "tiny",
        "--output",
        alpaca);
    assertRefused(
        3,
        "must be one of [alpaca-eval, mt-bench]",
        "evaluate",
        "answers",
        "--model",
        model,
        "--questions",
        questions,
        "--form",
        "mtbench",
        "--name",
        "tiny",
        "--output",
        alpaca);
  }

  private void answers(String form, Path questions, Path output) {
    assertThat(
            autodidact(
                "evaluate",
                "answers",
                "--model",
                model,
                "--questions",
                questions,
                "--form",
                form,
                "--name",
                "tiny",
                "--max-tokens",
                8,
                "--output",
                output))
        .as(err)
        .isZero();
  }
}
