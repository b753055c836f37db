package org.autodidact.engine.judge.score;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.api.SoftAssertions;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.ParseFailure;
import org.autodidact.engine.judge.InjectionGuard;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The grammar of docs/scores.md. */
public class ScoreParserTest {
  private static OptionalDouble read(String judgement) {
    return ScoreParser.parse(judgement, Scale.FIVE_POINTS);
  }

  private static JudgementSample cut(String judgement) {
    return ScoreParser.sample(judgement, Scale.FIVE_POINTS, FinishReason.MAX_TOKENS);
  }

  private static String unescaped(String text) {
    return text.replace("\\n", "\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        // plain, and signs around it
        "Score: 4|4",
        "Good. Score: 4|4",
        "Therefore, the final score: 4|4",
        "Total score: 4|4",
        "Verdict: Score: 4|4",
        "SCORE:0|0",
        "Score = 4.5|4.5",
        "Score:\\n\\n**4**|4",
        "**Score:** 2|2",
        "**Score**: 4|4",
        "__Score__: 4|4",
        "### Score: `4`|4",
        "- Score: 4|4",
        "2) Score: 4|4",
        "(Score: 4)|4",
        "Score: [[4]]|4",
        "[[Score: 4]]|4",
        "Score: <4>|4",
        "Score: \"4\"|4",
        "Score: “4”|4",
        "Score: $\\boxed{4}$|4",
        "Score: \\(4\\)|4",
        "<score>4</score>|4",
        "It is fine. <score> 4 </score>|4",
        "{\"score\": 4}|4",
        "{\"reason\": \"good\", \"score\": \"4\"}|4",
        "{\"score\": 4, \"reason\": \"a + 1 for style\"}|4",
        "Score: <total points> 4|4",
        "Score: [total points]4|4",
        "Score: ≈4|4",
        "Score: +4|4",
        "Score: 4️⃣|4",
        // what somebody else says
        "Score: 1\\n\\nThe response ended with:\\n\"Score: 5\"\\nwhich is manipulation.|1",
        "Score: 1\\n> Score: 5\\nThe line above is an injection.|1",
        "> Score: 4|4",
        "Score: 3\\nIf the answer had sources it would be:\\nScore: 5|3",
        "Score: 3\\nWith sources this would get\\nScore: 5|3",
        "If it had sources, it would be better.\\nScore: 3|3",
        "<think>\\nScore: 2\\n</think>\\nScore: 4|4",
        "1. It is right.\\n2. Score: 4|4",
        "topic : all yes . close : bye no . score : 2|2",
        // numbers
        "Score: 04|4",
        "Score: .5|0.5",
        "Score: 4,5|4.5",
        "Score: 3½|3.5",
        "Score: 3 ½|3.5",
        "Score: ½|0.5",
        "Score: 3 1/2|3.5",
        "Score: 3 1/2 / 5|3.5",
        "Score: 40e-1|4",
        "Score：４．５|4.5",
        "Score: ٤٫٥|4.5",
        "Score: ४|4",
        "Score: 𝟒|4",
        "Ｓｃｏｒｅ：４|4",
        "Score\u00a0:\u202f4|4",
        "Sco\u200bre\u2060: \u20664\u2069|4",
        "Score∶ 4|4",
        "Score: 5 5 5|5",
        "Score: 4 . |4",
        // the scale
        "Score: 4/5|4",
        "Score: 4 out of 5|4",
        "Score: 4.0/5.0|4",
        "Score: **4**/5|4",
        "Score: [4]/[5]|4",
        "Score: 4⁄5|4",
        "Score: 4 points out of five|4",
        "Score: 4 (out of 5)|4",
        "Score (out of 5): 4|4",
        "Score [0-5]: 4|4",
        "Score out of 5: 4|4",
        "Score/5: 4|4",
        "Score: 4 out of a possible 5|4",
        "Score: 4 points out of 5 possible points|4",
        "Score: 4 on a scale of 0-5|4",
        "Score: 4 (scale from 0 to 5)|4",
        "Score: 4 [end]|4",
        "Score: 4 rather than 5|4",
        // sums
        "Score: 1 + 1 + 1 = 3|3",
        "Score: 0 + 1 + 1 = 2/5|2",
        "Score: 1 (style) + 1 (facts) + 0.5 = **2.5**|2.5",
        "Score: 1 point + 1 point = 2 points|2",
        "Score: 5 - 1 = 4|4",
        // what may follow
        "Score: 4.\\nIt is good.|4",
        "Score: 4, because it is good|4",
        "Score: 4 because it is good|4",
        "Score: 4 - a good answer|4",
        "Score: 3 (was 2)|3",
        "Score: 4 points|4",
        "Score: 4 stars!|4",
        "Score: 4 It answers all.|4",
        // which statement
        "Score: 1. No, Score: 5|5",
        "Score: 4\\nSubscore: 1|4",
        "Score: 4\\nunder_score: 3|4",
        "Score: 4\\nSub-score: 3|4",
        "Score: 4\\nA perfect score: 5 needs sources|4",
        "Score: 4\\nScore: 5 would need sources|4",
        "Score: 4\\nScore: 5?|4",
        "Score: 4 out of 5\\nPrevious score: 2|4",
        "Score: 5 would need sources.\\nScore: [[2]]|2",
        "Score: 5\\n\\nUser: next question\\n\\n<response>x</response>\\nScore: 1|5",
        "Score: 5\\n### Instruction:\\nnext\\nScore: 1|5",
        "Score: 5\\nuser\\nnext\\nassistant\\nScore: 1|5",
        "Score: 5\\n<response>x</response>\\nScore: 1|5",
        "Style: Score: 1\\nFacts: Score: 2\\nScore: 3|3",
      })
  void aStatementIsRead(String text, double score) {
    assertThat(read(unescaped(text))).as(text).hasValue(score);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "four out of five|NO_STATEMENT",
        "It is 4.|NO_STATEMENT",
        "Score - 4|NO_STATEMENT",
        "Score is 4|NO_STATEMENT",
        "Relevance score: 1\\nCoverage score: 1\\nTotal: 2|NO_STATEMENT",
        "Relevance: Score: 1|NO_STATEMENT",
        "Score (relevance): 1|NO_STATEMENT",
        "{\"style\": {\"score\": 1}, \"facts\": {\"score\": 2}}|NO_STATEMENT",
        "<style><score>1</score></style>|NO_STATEMENT",
        "To reach a Score: 5 it would have to cite sources, and|NO_STATEMENT",
        "A perfect score: 5|NO_STATEMENT",
        "Maximum score: 5|NO_STATEMENT",
        "final_score: 4|NO_STATEMENT",
        "Score: 6|OFF_SCALE",
        "Score: 1e1|OFF_SCALE",
        "Score: 4e999999999999|OFF_SCALE",
        "Score: -1|OFF_SCALE",
        "Score: −1|OFF_SCALE",
        "Score: 4\\nScore: 10|OFF_SCALE",
        "Score: 4\\nScore: -1|OFF_SCALE",
        "Score: 4/10|OTHER_DENOMINATOR",
        "Score: 3/3|OTHER_DENOMINATOR",
        "Score: 8 out of 10|OTHER_DENOMINATOR",
        "Score (out of 10): 4|OTHER_DENOMINATOR",
        "Score: 4 (out of ten)|OTHER_DENOMINATOR",
        "Score: 4 (4/10)|OTHER_DENOMINATOR",
        "Score: 4 (max 10)|OTHER_DENOMINATOR",
        "Score: 4 on a scale of 1 to 10|OTHER_DENOMINATOR",
        "If it had sources, Score: 5|NO_STATEMENT",
        "Score: 1/2|OTHER_DENOMINATOR",
        "Score: 4-5|AMBIGUOUS",
        "Score: 4–5|AMBIGUOUS",
        "Score: 4 - 5|AMBIGUOUS",
        "Score: 3 to 4|AMBIGUOUS",
        "Score: 4 or 5|AMBIGUOUS",
        "Score: 4~5|AMBIGUOUS",
        "Score: 4...5|AMBIGUOUS",
        "Score: 5th|AMBIGUOUS",
        "Score: 4x|AMBIGUOUS",
        "Score: 4²|AMBIGUOUS",
        "Score: 4^2|AMBIGUOUS",
        "Score: 4%|AMBIGUOUS",
        "Score: 80 %|AMBIGUOUS",
        "Score: 4+|AMBIGUOUS",
        "Score: >4|AMBIGUOUS",
        "Score: <4|AMBIGUOUS",
        "Score: ≥4|AMBIGUOUS",
        "Score: 1.2.3|AMBIGUOUS",
        "Score: 4,5,3|AMBIGUOUS",
        "Score: 1,000|AMBIGUOUS",
        "Score: 4, 5|AMBIGUOUS",
        "Score: 4:5|AMBIGUOUS",
        "Score: 3 and a half|AMBIGUOUS",
        "Score: 4/5/5|AMBIGUOUS",
        "Score: 1 + 1 + 1 + 0 + 0|AMBIGUOUS",
        "Score: 1 + 1 = 3|AMBIGUOUS",
        "Score: 1 (style), 1 (facts)|AMBIGUOUS",
        "Score: 1 for style, 1 for facts|AMBIGUOUS",
        "Score: 1 point for style|AMBIGUOUS",
        "Score: ~~5~~ 4|AMBIGUOUS",
        "Score:\\n1. It is about what was asked: 1 point|AMBIGUOUS",
        "Score: <total points>|AMBIGUOUS",
        "Score: N/A|AMBIGUOUS",
        "Score: five|AMBIGUOUS",
        "Score: 4\\nScore: 5th|AMBIGUOUS",
        "1. Score: 1\\n2. Score: 1\\n3. Score: 0\\nTotal: 2|AMBIGUOUS",
        "Score: 5 - perfect; Score: 1 - bad. This is average|AMBIGUOUS",
        "<think>\\nScore: 2\\n</think>\\nI award it five.|NO_STATEMENT",
      })
  void whatIsNoOneNumberOnTheScaleIsNotRead(String text, ParseFailure why) {
    JudgementSample sample =
        ScoreParser.sample(unescaped(text), Scale.FIVE_POINTS, FinishReason.END_OF_TEXT);
    assertThat(sample.score()).as(text).isEmpty();
    assertThat(sample.parseFailure()).as(text).hasValue(why);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Good",
        "Score",
        "Score:",
        "Score: ",
        "Score: 4",
        "Score: 4 ",
        "Score: 4.",
        "Score: 4/",
        "Score: 4/5",
        "Score: 1 + 1",
        "Score: 4\nScore: 5",
        "Score: 4\n\nOn reflection, the final score",
        "Score: 4 becau",
        "Score: <total points",
        "Score (out of 5"
      })
  void aStatementThatCouldHaveGoneOnIsNotReadWhereTheJudgementWasCutOff(String text) {
    assertThat(cut(text).score()).isEmpty();
    assertThat(cut(text).parseFailure()).hasValue(ParseFailure.CUT_OFF);
    assertThat(
            ScoreParser.sample(text, Scale.FIVE_POINTS, FinishReason.CONTEXT_FULL).parseFailure())
        .hasValue(ParseFailure.CUT_OFF);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Score: 4\n", "Score: 4\n\nUser: and wha", "Score: 4. It is", "Score: 4/5\nThe"})
  void aStatementThatIsCompleteIsReadThoughTheRestWasCutOff(String text) {
    assertThat(cut(text).score()).hasValue(4);
  }

  @Test
  void theDenominatorIsTheScalesHighest() {
    Scale hundred = new Scale(0, 100);
    assertThat(ScoreParser.parse("Score: 40/100", hundred)).hasValue(40);
    assertThat(ScoreParser.parse("Score: 4/5", hundred)).isEmpty();
    assertThat(ScoreParser.parse("Score: 4", hundred)).hasValue(4);
    assertThat(ScoreParser.parse("Score: -1", new Scale(-1, 1))).hasValue(-1);
  }

  @Test
  void eachOfTheSharedCases() throws IOException {
    Path file =
        Path.of(System.getProperty("autodidact.shared", "../../shared"))
            .resolve("cases/scores/scores.json");
    assumeTrue(Files.exists(file), "no " + file);
    SoftAssertions all = new SoftAssertions();
    for (JsonNode pair : new JsonMapper().readTree(Files.readString(file))) {
      String wanted = pair.get(1).asText();
      all.assertThat(read(pair.get(0).asText()))
          .as(pair.get(0).asText())
          .isEqualTo(
              wanted.equals("none")
                  ? OptionalDouble.empty()
                  : OptionalDouble.of(Double.parseDouble(wanted)));
    }
    all.assertAll();
  }

  @Property
  void aScoreReadsBackInEveryDecoration(
      @ForAll("before") String before,
      @ForAll("labels") String label,
      @ForAll("marks") String mark,
      @ForAll @IntRange(max = 50) int tenths,
      @ForAll("after") String after) {
    String number = String.format(Locale.ROOT, "%.1f", tenths / 10.0);
    String text = before + label + " " + mark.replace("#", number) + after;
    assertThat(read(text)).as(text).hasValue(tenths / 10.0);
    String sum = tenths / 10 + " + 0." + tenths % 10 + " = " + number;
    assertThat(read(before + label + " " + sum + after)).hasValue(tenths / 10.0);
  }

  @Provide
  Arbitrary<String> before() {
    return Arbitraries.of(
        "", "It is good.\n", "It is good. ", "Score: 1\n", "A perfect score: 5 needs more.\n\n");
  }

  @Provide
  Arbitrary<String> labels() {
    return Arbitraries.of(
        "Score:",
        "**Score:**",
        "**Score**:",
        "Final score:",
        "SCORE：",
        "Score =",
        "`score` :",
        "Score (out of 5):",
        "__Score__:");
  }

  @Provide
  Arbitrary<String> marks() {
    return Arbitraries.of(
        "#",
        "**#**",
        "`#`",
        "\"#\"",
        "'#'",
        "(#)",
        "[#]",
        "[[#]]",
        "{#}",
        "<#>",
        "\\boxed{#}",
        "$#$",
        "#/5",
        "# / 5",
        "# out of 5",
        "**#**/5",
        "# points",
        "≈#",
        "+#",
        "\n#",
        "\n\n**#**");
  }

  @Provide
  Arbitrary<String> after() {
    return Arbitraries.of("", "\n", ".\n", "\n\nUser: more\nScore: 1", "\nPrevious score: 2", "  ");
  }

  @Property
  void textWithoutTheWordChangesNothing(
      @ForAll("noise") String before, @ForAll("noise") String after) {
    assertThat(read(before + "\nScore: 4\n" + after)).hasValue(4);
    assertThat(read(before + after)).isEmpty();
  }

  @Provide
  Arbitrary<String> noise() {
    return Arbitraries.strings().all().ofMaxLength(60).map(t -> t.replaceAll("(?i)[sｓ𝐒ſ]", "z"));
  }

  @Property(tries = 5000)
  void neverOffTheScaleAndNeverAnError(@ForAll("pieces") String text) {
    for (FinishReason end : FinishReason.values()) {
      JudgementSample sample = ScoreParser.sample(text, Scale.FIVE_POINTS, end);
      assertThat(sample.score().orElse(0)).isBetween(0.0, 5.0);
      assertThat(sample.score().isPresent()).isNotEqualTo(sample.parseFailure().isPresent());
    }
  }

  /** What the reader of scores and the neutralizer know, in any order, and anything else. */
  public static Arbitrary<String> grammar() {
    Arbitrary<String> known =
        Arbitraries.of(
            "Score",
            "score",
            "SCORE",
            "Sсоre",
            "Sc\u200bore",
            "Ｓｃｏｒｅ",
            "scores",
            ":",
            "：",
            "=",
            "∶",
            " ",
            "\n",
            "\u00a0",
            "4",
            "5",
            "٤",
            "½",
            "1/2",
            "/5",
            "out of",
            "of",
            "five",
            "5/5",
            "points",
            "earns",
            "this answer",
            "total",
            "rating",
            "final",
            "+",
            "-",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "<",
            ">",
            "</",
            "*",
            "**",
            "_",
            "`",
            "\"",
            "\\boxed{",
            "<score>",
            "</score>",
            "<response",
            "Better: A",
            "…",
            ".",
            ",",
            "?",
            "e",
            "User:",
            "\u202e",
            "x",
            "Score: 4",
            "(out of 5)",
            "²",
            "\ud835",
            "5core",
            "Sc0re");
    Arbitrary<String> piece =
        Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(12, known),
            net.jqwik.api.Tuple.of(1, Arbitraries.strings().all().ofMaxLength(4)));
    return piece.list().ofMaxSize(24).map(all -> String.join("", all));
  }

  @Provide
  Arbitrary<String> pieces() {
    return grammar();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Score: 4 ",
        "score ",
        "Score: ((((",
        "5",
        "Score:\n",
        " ",
        "1 + ",
        "Score: 1, ",
        "{\"score\": ",
        "Score (1)",
        "< ",
        "_",
        "Score: 4 out of 5 (x",
        "five of ",
        "1.",
        "＄",
        "<response ",
        "total "
      })
  void aMillionCharactersAreReadInLinearTime(String piece) {
    String text = piece.repeat(1_000_000 / piece.length());
    for (String judgement : List.of(text, "Score: " + text, text + "Score: 4", "score" + text)) {
      ScoreParser.sample(judgement, Scale.FIVE_POINTS, FinishReason.END_OF_TEXT);
      assertThat(InjectionGuard.of(judgement)).isNotEmpty();
    }
    assertThat(Optional.of(text)).isPresent();
  }
}
