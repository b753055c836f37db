package org.autodidact.engine.judge.score;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.ParseFailure;

/**
 * Reads the score out of a written judgement: the number of the judge's own last statement of a
 * score, as it is written, or nothing. The grammar is in docs/scores.md. Time grows with the text's
 * length.
 */
public final class ScoreParser {
  private static final String LABEL = "score";

  /** Texts that may stand before the label of a statement, beside the end of a sentence. */
  private static final Set<String> QUALIFIERS =
      Set.of(
          "final",
          "total",
          "overall",
          "my",
          "the",
          "so",
          "thus",
          "therefore",
          "hence",
          "additive",
          "combined",
          "aggregate");

  /** Words that may stand before a colon before the label: "Verdict: Score: 4". */
  private static final Set<String> VERDICTS =
      Set.of(
          "verdict",
          "total",
          "final",
          "overall",
          "conclusion",
          "result",
          "judgement",
          "judgment",
          "evaluation",
          "assessment",
          "rating",
          "grade",
          "summary",
          "is",
          "score");

  private static final Set<String> CONDITIONS =
      Set.of("if", "with", "without", "were", "had", "to", "unless", "when", "for", "normally");

  /** A condition on the line before; a line that begins in this way need not be one. */
  private static final Set<String> LINE_CONDITIONS =
      Set.of("if", "with", "without", "were", "had", "unless");

  private static final int LONGEST_CONDITION = 200;
  private static final int MOST_QUALIFIERS = 6;
  private static final int LONGEST_WORD = 16;

  /** Words that begin a turn which the judge made up after its verdict. */
  private static final Set<String> TURNS =
      Set.of(
          "user",
          "human",
          "system",
          "assistant",
          "instruction",
          "question",
          "prompt",
          "input",
          "query",
          "request",
          "response",
          "answer");

  private final FoldedText text;
  private final Scale scale;
  private final boolean cut;

  private ScoreParser(String text, Scale scale, FinishReason end) {
    this.text = FoldedText.of(text);
    this.scale = scale;
    this.cut = end.isTruncated();
  }

  /**
   * The score of a judgement, within the scale, or why it has none.
   *
   * @param end why the judgement ended; of one that was cut off, a statement that could have gone
   *     on is not read
   */
  public static JudgementSample sample(String judgement, Scale scale, FinishReason end) {
    ScoreStatement read = new ScoreParser(judgement, scale, end).read();
    return new JudgementSample(
        read.score(), judgement, JudgementSample.Position.ALONE, read.parseFailure());
  }

  private ScoreStatement read() {
    Optional<ScoreStatement> last = Optional.empty();
    boolean onLastLine = false;
    int listed = 0;
    boolean several = false;
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      onLastLine &= text.at(i) != '\n';
      if (text.has("</think>", i)) {
        last = Optional.empty(); // what was thought before is a draft
        listed = 0;
        several = false;
      }
      depth += text.at(i) == '{' ? 1 : text.at(i) == '}' ? -1 : 0;
      if (last.isPresent() && isLineStart(i) && beginsTurn(i)) {
        break;
      }
      boolean nested = depth > 1 && text.at(i - 1) == '"'; // {"style": {"score": 1}}
      if (isLabel(text, i) && !nested && isOwn(i)) {
        ScoreValue value = new ScoreValue(text, i, scale);
        Optional<ScoreStatement> found = value.read();
        if (cut && value.touchedEnd()) {
          return ScoreStatement.failure(ParseFailure.CUT_OFF);
        }
        if (found.isPresent() && !(last.isPresent() && isQuoted(i))) {
          boolean item = isListItem(i);
          listed += item ? 1 : 0;
          several = item ? listed > 1 : onLastLine && !found.equals(last) && followsSemicolon(i);
          last = found;
          onLastLine = true;
        }
      }
    }
    if (several) {
      return ScoreStatement.failure(ParseFailure.AMBIGUOUS); // a rubric, or an aspect's scores
    }
    return last.orElseGet(
        () -> ScoreStatement.failure(cut ? ParseFailure.CUT_OFF : ParseFailure.NO_STATEMENT));
  }

  /** Whether the word "score" stands here by itself. */
  static boolean isLabel(FoldedText text, int at) {
    return text.has(LABEL, at) && isBoundary(text, at) && !continuesWord(text, at + LABEL.length());
  }

  /** No letter, digit or hyphenated word before; an underscore is Markdown where none is behind. */
  private static boolean isBoundary(FoldedText text, int at) {
    int before = at - 1;
    while (text.at(before) == '_') {
      before--;
    }
    if (text.at(before) == '-' && before == at - 1) {
      before--;
    }
    return !Character.isLetterOrDigit(text.at(before));
  }

  private static boolean continuesWord(FoldedText text, int at) {
    int end = at;
    while (text.at(end) == '_') {
      end++;
    }
    return Character.isLetterOrDigit(text.at(end));
  }

  /**
   * Whether the statement is the judge's verdict and not a mention, as in "a perfect score: 5": it
   * begins its line or its sentence, but for "final", "total" and the like.
   */
  private boolean isOwn(int label) {
    int qualifiers = 0;
    for (int i = label - 1; ; ) {
      int c = text.at(i);
      if (c == FoldedText.END) {
        return true;
      }
      if (c == '\n') {
        return !isConditionLine(i);
      }
      if (Character.isLetter(c)) {
        int from = i;
        while (Character.isLetter(text.at(from - 1)) && i - from < LONGEST_WORD) {
          from--;
        }
        if (++qualifiers > MOST_QUALIFIERS
            || !QUALIFIERS.contains(text.word(from, i + 1, LONGEST_WORD))) {
          return false;
        }
        i = from - 1;
        continue;
      }
      switch (c) {
        case '.', '!', '?', ';', '}':
          return true;
        case ',':
          return !isCondition(i);
        case ':':
          return endsWithVerdict(i);
        case '(':
          return startsLine(i - 1);
        case '<':
          if (i == label - 1) {
            return isOwnTag(i - 1);
          }
          i--;
          break;
        case ')', ']', '-':
          return startsLine(i - 1) || isListMarker(i - 1);
        case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '=', '+', '/', '%':
          return false;
        default:
          i--; // white space, Markdown, brackets, bullets
      }
    }
  }

  /**
   * A tag is a statement wherever it stands, unless it is in an aspect's: {@code <style><score>}.
   */
  private boolean isOwnTag(int before) {
    if (text.at(before) != '>') {
      return true;
    }
    int from = before - 1;
    while (Character.isLetter(text.at(from)) && before - from < LONGEST_WORD) {
      from--;
    }
    return text.at(from) == '/' || VERDICTS.contains(text.word(from + 1, before, LONGEST_WORD));
  }

  private boolean startsLine(int end) {
    int i = end;
    while (text.at(i) == ' ' || text.at(i) == '*' || text.at(i) == '>' || text.at(i) == '#') {
      i--;
    }
    return text.at(i) == '\n' || text.at(i) == FoldedText.END;
  }

  /** One to three letters or digits that begin the line, as in "2)". */
  private boolean isListMarker(int end) {
    int i = end;
    while (end - i < 3 && Character.isLetterOrDigit(text.at(i))) {
      i--;
    }
    return i < end && startsLine(i);
  }

  /** "If it had sources, Score: 5": how the sentence begins that ends before a comma. */
  private boolean isCondition(int comma) {
    int from = comma;
    for (int c = text.at(from - 1);
        comma - from < LONGEST_CONDITION && c != '.' && c != '\n' && c != FoldedText.END;
        c = text.at(from - 1)) {
      from--;
    }
    while (text.at(from) == ' ') {
      from++;
    }
    return CONDITIONS.contains(text.word(from, text.endOfWord(from), LONGEST_WORD));
  }

  /** "If it had sources it would get" and a line break: the line above has no end of a sentence. */
  private boolean isConditionLine(int lineEnd) {
    int end = lineEnd - 1;
    while (isMarkup(text.at(end)) || text.at(end) == ' ') {
      end--;
    }
    int c = text.at(end);
    if (c == '\n' || c == FoldedText.END || ".!?;".indexOf(c) >= 0) {
      return false;
    }
    int from = end;
    while (lineEnd - from < LONGEST_CONDITION
        && text.at(from - 1) != '\n'
        && text.at(from - 1) != FoldedText.END) {
      from--;
    }
    while (text.at(from) == ' ' || isMarkup(text.at(from))) {
      from++;
    }
    return LINE_CONDITIONS.contains(text.word(from, text.endOfWord(from), LONGEST_WORD));
  }

  /** In quotes, or a line that is quoted as Markdown does: what somebody else says. */
  private boolean isQuoted(int label) {
    int i = label - 1;
    while (text.at(i) == ' ' || text.at(i) == '*' || text.at(i) == '_') {
      i--;
    }
    int c = text.at(i);
    boolean around = (c == '"' || c == '`') && text.at(label + LABEL.length()) != c;
    return (c == '>' || around) && startsLine(i - 1);
  }

  /** "1. Score: 1", one of several. */
  private boolean isListItem(int label) {
    int i = label - 1;
    while (text.at(i) == ' ' || isMarkup(text.at(i))) {
      i--;
    }
    return (text.at(i) == '.' || text.at(i) == ')')
        && Character.isDigit(text.at(i - 1))
        && isListMarker(i - 1);
  }

  private boolean followsSemicolon(int label) {
    int i = label - 1;
    while (text.at(i) == ' ' || isMarkup(text.at(i))) {
      i--;
    }
    return text.at(i) == ';';
  }

  /**
   * A colon before the label belongs to a word like "verdict", else to an aspect: "Style: Score".
   */
  private boolean endsWithVerdict(int colon) {
    int end = colon - 1;
    while (isMarkup(text.at(end)) || text.at(end) == ' ') {
      end--;
    }
    int from = end;
    while (Character.isLetter(text.at(from)) && end - from < LONGEST_WORD) {
      from--;
    }
    return VERDICTS.contains(text.word(from + 1, end + 1, LONGEST_WORD));
  }

  public static boolean isMarkup(int c) {
    return switch (c) {
      case '*', '_', '`', '"', '\'', '~', '$', '\\' -> true;
      default -> false;
    };
  }

  private boolean isLineStart(int at) {
    return at > 0 && text.at(at - 1) == '\n';
  }

  /** "User:", "### Instruction:", "&lt;response>", a line that is only "user". */
  private boolean beginsTurn(int line) {
    int i = line;
    while (isMarkup(text.at(i))
        || text.at(i) == ' '
        || text.at(i) == '#'
        || text.at(i) == '<'
        || text.at(i) == '|'
        || text.at(i) == '[') {
      i++;
    }
    if (text.has("you are grading", i)
        || text.has("you are comparing", i)
        || text.has("im_start", i)
        || (text.has("inst", i) && text.at(i + 4) == ']')) {
      return true;
    }
    int end = text.endOfWord(i);
    String word = text.word(i, end, LONGEST_WORD);
    if (!TURNS.contains(word)) {
      return false;
    }
    boolean tag = i > line && text.at(i - 1) == '<';
    while (isMarkup(text.at(end)) || text.at(end) == ' ') {
      end++;
    }
    int c = text.at(end);
    if (word.equals("answer") || word.equals("response")) {
      return tag; // "Answer: …" may be the judge's own words
    }
    return c == ':' || c == '>' || c == '|' || c == '\n' || c == FoldedText.END;
  }

  /** The score alone, for a judgement that ended by itself. */
  public static OptionalDouble parse(String judgement, Scale scale) {
    return sample(judgement, scale, FinishReason.END_OF_TEXT).score();
  }
}
