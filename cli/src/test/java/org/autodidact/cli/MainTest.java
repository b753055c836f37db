package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line on a small random model: what it writes, and what it says of bad input. */
class MainTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  private Path model;
  private String out;
  private String err;

  @BeforeEach
  void write() {
    model = TinyModel.write(folder.resolve("tiny"), 3);
  }

  private int autodidact(Object... arguments) {
    PrintStream oldOut = System.out;
    PrintStream oldErr = System.err;
    ByteArrayOutputStream newOut = new ByteArrayOutputStream();
    ByteArrayOutputStream newErr = new ByteArrayOutputStream();
    String[] texts = new String[arguments.length];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = arguments[i].toString();
    }
    try {
      System.setOut(new PrintStream(newOut, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(newErr, true, StandardCharsets.UTF_8));
      return Main.execute(texts);
    } finally {
      System.setOut(oldOut);
      System.setErr(oldErr);
      out = newOut.toString(StandardCharsets.UTF_8);
      err = newErr.toString(StandardCharsets.UTF_8);
    }
  }

  /** The arguments of {@code train dpo}. */
  private static Object[] trainDpo(Path model, Path data, Path output, Object... more) {
    List<Object> arguments =
        new ArrayList<>(
            List.of("train", "dpo", "--model", model, "--data", data, "--output", output));
    arguments.addAll(List.of(more));
    return arguments.toArray();
  }

  /** The arguments of {@code evaluate duel}, judged by {@link #model}. */
  private Object[] duel(Path a, Path b, Path prompts, Object... more) {
    List<Object> arguments =
        new ArrayList<>(List.of("evaluate", "duel", a, b, "--prompts", prompts, "--model", model));
    arguments.addAll(List.of(more));
    return arguments.toArray();
  }

  private Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }

  private static List<JsonNode> lines(Path file) throws Exception {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      nodes.add(JSON.readTree(line));
    }
    return nodes;
  }

  private void assertRefused(int code, String message, Object... arguments) {
    assertThat(autodidact(arguments)).as(err).isEqualTo(code);
    String said =
        err.lines().filter(l -> l.startsWith("autodidact: ")).findFirst().orElse("nothing");
    assertThat(said).contains(message);
    assertThat(err).doesNotContain("\tat ");
  }

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

  private JsonNode last() throws Exception {
    return JSON.readTree(out.lines().reduce((a, b) -> b).orElseThrow());
  }

  @Test
  void trainingWritesACheckpointThatGenerates() throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    Path trained = folder.resolve("trained");
    assertThat(autodidact(trainDpo(model, data, trained))).as(err).isZero();
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    assertThat(
            autodidact(
                "generate",
                "--model",
                trained,
                "--prompts",
                prompts,
                "--output",
                folder.resolve("o.jsonl"),
                "--max-tokens",
                3))
        .as(err)
        .isZero();
    assertRefused(3, "exists already", trainDpo(model, data, trained, "--seed", 2));
  }

  /** What a finished training says of itself; no two numbers are the same. */
  @Test
  void everySettingReachesTheTrainer() throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    Path trained = folder.resolve("trained");
    String options =
        "--optimizer adafactor --learning-rate 0.002 --final-learning-rate 0.001 --schedule linear"
            + " --warmup-steps 3 --batch-size 4 --epochs 2 --max-length 99 --weight-decay 0.01"
            + " --max-gradient-norm 0.7 --dropout 0.05 --held-out-every 5 --patience 6 --save-every 7"
            + " --activation-checkpointing --lora-rank 8 --lora-alpha 9.5 --lora-dropout 0.06"
            + " --lora-targets q_proj,v_proj --lora-quantized --no-shuffle";
    options += " --held-out " + data;
    assertThat(autodidact(trainDpo(model, data, trained, (Object[]) options.split(" "))))
        .as(err)
        .isZero();
    assertThat(JSON.readTree(trained.resolve("training.json").toFile()).path("settings"))
        .isEqualTo(
            JSON.readTree(
                """
                {"loss": "SIGMOID", "lossParameters": {"beta": 0.1, "labelSmoothing": 0.1, "gamma": 0.5, "sftWeight": 0.0}, "optimizer": "ADAFACTOR",
                 "learningRate": 0.002, "finalLearningRate": 0.001, "schedule": "LINEAR",
                 "warmupSteps": 3, "batchSize": 4, "epochs": 2, "maxLength": 99,
                 "weightDecay": 0.01, "maxGradientNorm": 0.7, "dropout": 0.05, "shuffle": false,
                 "heldOutEvery": 5, "patience": 6, "saveEvery": 7, "activationCheckpointing": true,
                 "lora": {"rank": 8, "alpha": 9.5, "dropout": 0.06,
                          "targets": ["q_proj", "v_proj"], "merge": false, "quantized": true}}
                """));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--lora-alpha=3",
        "--lora-dropout=0.1",
        "--lora-targets=q_proj",
        "--lora-quantized",
        "--lora-merge"
      })
  void anAdaptersOptionWithoutAnAdapterIsRefused(String option) throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    assertRefused(3, "lora-rank", trainDpo(model, data, folder.resolve("trained"), option));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--held-out=d.jsonl", "--held-out-every=2", "--patience=2"})
  void whatWouldEvaluateNothingIsRefused(String option) throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    option = option.replace("d.jsonl", data.toString());
    assertRefused(3, "go together", trainDpo(model, data, folder.resolve("trained"), option));
  }

  @Test
  void anExampleThatIsTooLongIsNamedByItsLine() throws Exception {
    String line = "{\"prompt\":\"%s\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n";
    String fits = String.format(line, "x");
    Path data = file("d.jsonl", fits + "\n" + String.format(line, "x".repeat(300)) + fits);
    assertRefused(
        3,
        data + ", line 3: its prompt has ",
        trainDpo(model, data, folder.resolve("trained"), "--max-length", 200));
  }

  @Test
  void thePairThatGivesNoNumberIsNamedByItsLine() throws Exception {
    Path broken = TinyModel.write(folder.resolve("broken"), 1);
    Path weights = broken.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, Float.NaN);
    Files.write(weights, bytes);
    Path data = file("d.jsonl", "\n{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    assertRefused(5, data + ", line 2", trainDpo(broken, data, folder.resolve("trained")));
  }

  @Test
  void trainingOnAGpuThatIsNotThereIsRefused() throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    assertRefused(
        3,
        "set the device cpu or auto",
        trainDpo(model, data, folder.resolve("trained"), "--device", "cuda"));
    assertRefused( // the name of an earlier version
        3,
        "set the device cpu or auto",
        trainDpo(model, data, folder.resolve("trained"), "--recompute", "--provider=cuda"));
  }

  @Test
  void badInputGetsOneClearMessage() throws Exception {
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    Path output = folder.resolve("o.jsonl");
    assertThat(autodidact("generate")).isEqualTo(2);
    assertThat(autodidact("fly")).isEqualTo(2);
    assertRefused(
        3,
        "no such model",
        "generate",
        "--model",
        folder.resolve("none"),
        "--prompts",
        prompts,
        "--output",
        output);
    Path broken = file("broken.jsonl", "{\"prompt\":\"x\"}\n{\"prompt\n");
    assertRefused(
        3,
        "broken.jsonl, line 2",
        "generate",
        "--model",
        model,
        "--prompts",
        broken,
        "--output",
        output);
    Path longPrompt =
        file("long.jsonl", "{\"id\":\"l\",\"prompt\":\"" + "x".repeat(3000) + "\"}\n");
    assertRefused(
        3, "'l'", "generate", "--model", model, "--prompts", longPrompt, "--output", output);
    assertRefused(
        4,
        "file/o.jsonl",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        file("file", "").resolve("o.jsonl"));
    Path answers = file("a.jsonl", "{\"instruction\":\"x\",\"response\":\"y\"}\n");
    assertThat(autodidact("generate", "--prompts", prompts, "--output", output)).isEqualTo(2);
    assertThat(err).contains("Missing required option: '--model=M'");
    for (String judge : List.of("additive", "expected-score")) {
      assertThat(autodidact("judge", "--judge", judge, "--input", answers, "--output", output))
          .isEqualTo(2);
      assertThat(err).contains("Missing required option: '--model=M'");
    }
    assertRefused(
        3,
        "needs judge.model (--judge-model)",
        "judge",
        "--judge",
        "reward-model",
        "--input",
        answers,
        "--output",
        output);
    Path gguf = file("cut.gguf", "GGUF");
    assertRefused(3, "cut.gguf", "import", gguf, folder.resolve("imported"));
    assertThat(folder.resolve("imported")).doesNotExist();
    assertRefused(
        3,
        "aditive",
        "judge",
        "--model",
        model,
        "--judge",
        "aditive",
        "--input",
        answers,
        "--output",
        output);
  }

  @Test
  void damagedCheckpointsAreNamed() throws Exception {
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertRefused(
        3,
        "model.safetensors",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        folder.resolve("o.jsonl"));
    bytes[3] = 99; // the header's length, far beyond the file's end
    Files.write(weights, bytes);
    assertRefused(
        3,
        "model.safetensors",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        folder.resolve("o.jsonl"));
    Path config = model.resolve("config.json");
    Files.writeString(config, Files.readString(config).replaceAll("[Ll]lama", "mamba"));
    assertRefused(
        3,
        "mamba",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        folder.resolve("o.jsonl"));
  }

  @Test
  void aRunOverAFullDiskKeepsWhatIsFinished() throws Exception {
    Path full = Path.of("/dev/full");
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(full), "no /dev/full here");
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    assertRefused(
        4, "/dev/full", "generate", "--model", model, "--prompts", prompts, "--output", full);
  }

  @Test
  void pluginsAndDoctorSpeak() {
    assertThat(autodidact("plugins")).isZero();
    assertThat(out)
        .contains(
            "onnxruntime",
            "djl-pytorch",
            "additive",
            "expected-score",
            "max-min",
            "pairwise",
            "meta",
            "ensemble",
            "anchored");
    assertThat(autodidact("doctor", "--model", model)).isZero();
    assertThat(out).contains("Memory", "execution providers", "context 1024");
  }
}
