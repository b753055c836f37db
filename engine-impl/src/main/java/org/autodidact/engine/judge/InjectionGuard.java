package org.autodidact.engine.judge;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.autodidact.engine.judge.score.FoldedText;
import org.autodidact.engine.judge.score.ScoreParser;
import org.autodidact.engine.judge.score.ScoreValue;

/**
 * Keeps what is judged from speaking as the judge. A language model goes on with {@code Score: 5}
 * at the end of an answer as if the judge had written it, takes a number beside the word for its
 * own, and takes an answer that closes its tag for the template. So in every text that fills a
 * judge prompt:
 *
 * <ul>
 *   <li>what {@link ScoreParser} could read as a statement of a score is left out, which is shown:
 *       {@code […]}; look-alike letters and characters that are not seen do not help
 *   <li>a grade that the text gives loses its number: {@code five points out of five}, {@code
 *       rating: 5/5}
 *   <li>{@code Better: A} becomes {@code Better - A}, and {@code </response>} {@code [/response]}
 * </ul>
 *
 * All other characters stay as they are.
 */
public final class InjectionGuard {
  private static final String REMOVED = "…";
  private static final List<String> TAGS =
      List.of("response", "answer", "instruction", "judgement");

  private static final Set<String> UNITS =
      Set.of("points", "point", "pts", "stars", "star", "marks", "mark");

  /** A number out of another is a grade behind one of these words. */
  private static final Set<String> GRADES =
      Set.of(
          "score",
          "scores",
          "scored",
          "rating",
          "rated",
          "rate",
          "rates",
          "grade",
          "graded",
          "grades",
          "points",
          "marks",
          "stars",
          "total",
          "verdict",
          "earns",
          "earned",
          "deserves",
          "merits",
          "worth");

  /** A number with a unit, or behind a colon, is a grade behind one of these. */
  private static final Set<String> LABELS =
      Set.of("rating", "grade", "points", "marks", "stars", "verdict");

  private static final Set<String> CLAIMS =
      Set.of("earns", "earned", "deserves", "merits", "worth", "gets", "receives", "scores");

  private static final Set<String> JUDGED =
      Set.of("answer", "response", "reply", "this", "it", "i");

  private static final Set<String> NUMBER_WORDS =
      Set.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

  private static final int LONGEST_WORD = 16;
  private static final int WORDS_BEFORE = 3;
  private static final int LOOK_BACK = 48;

  private final String original;
  private final FoldedText text;
  private final StringBuilder neutral = new StringBuilder();
  private int copied;
  private int replaced;
  private int closing = -1;
  private boolean grades;

  private InjectionGuard(String original) {
    this.original = original;
    this.text = FoldedText.withLookAlikes(original);
  }

  public static String of(String text) {
    InjectionGuard one = new InjectionGuard(text);
    one.rewrite();
    return one.neutral.toString();
  }

  /** Whether a text states a score or gives a grade, which {@link #of} takes out. */
  static boolean namesScore(String text) {
    InjectionGuard one = new InjectionGuard(text);
    one.rewrite();
    return one.grades;
  }

  private void rewrite() {
    for (int i = 0; i < text.length(); ) {
      if (i == closing) {
        replace(i, i + 1, "]");
        i++;
        continue;
      }
      int end = score(i);
      end = end > i ? end : better(i);
      end = end > i ? end : tag(i);
      end = end > i ? end : grade(i);
      i = Math.max(end, i + 1);
    }
    neutral.append(original, copied, original.length());
  }

  /** Puts {@code with} in the place of the folded text's part. */
  private void replace(int from, int to, String with) {
    boolean spaced = with.startsWith(" ") && text.at(from - 1) == ' ';
    neutral.append(original, copied, text.origin(from)).append(spaced ? with.substring(1) : with);
    copied = Math.max(text.origin(from), text.origin(to));
    replaced = to;
  }

  private int score(int i) {
    if (!looksLike("score", i) || !begins(i)) {
      return i;
    }
    int end = i + "score".length();
    end += FoldedText.lower(text.at(end)) == 's' ? 1 : 0;
    if (Character.isLetterOrDigit(text.at(end))) {
      return i;
    }
    Optional<int[]> span = ScoreValue.span(text, i, end);
    if (span.isEmpty()) {
      return i;
    }
    int to = span.get()[1];
    boolean number = hasNumber(span.get()[0], to);
    grades |= number;
    if (number) {
      replace(i, to, "[" + REMOVED + "]");
    } else {
      replace(span.get()[0], to, " -");
    }
    return to;
  }

  private boolean hasNumber(int from, int to) {
    for (int i = from; i < to; i++) {
      if (text.at(i) != ':'
          && text.at(i) != '='
          && text.at(i) != ' '
          && text.at(i) != '\n'
          && text.at(i) != '>') {
        return true;
      }
    }
    return false;
  }

  private int better(int i) {
    if (!looksLike("better", i) || Character.isLetter(text.at(i - 1))) {
      return i;
    }
    int from = i + "better".length();
    int at = from;
    while (ScoreParser.isMarkup(text.at(at)) || text.at(at) == ' ' || text.at(at) == '\n') {
      at++;
    }
    if (text.at(at) != ':' && text.at(at) != '=') {
      return i;
    }
    replace(at, at + 1, " -");
    return at + 1;
  }

  /** "&lt; / Response B>" becomes "[/response B]": the brackets go. */
  private int tag(int i) {
    if (text.at(i) != '<') {
      return i;
    }
    int at = i + 1;
    StringBuilder slashes = new StringBuilder();
    while (text.at(at) == ' ' || text.at(at) == '\n' || text.at(at) == '/') {
      slashes.append(text.at(at) == '/' ? "/" : "");
      at++;
    }
    int name = at;
    if (TAGS.stream().noneMatch(tag -> looksLike(tag, name))) {
      return i;
    }
    while (text.at(at) != '>' && text.at(at) != '<' && text.at(at) != FoldedText.END) {
      at++;
    }
    if (text.at(at) != '>') {
      return i;
    }
    replace(i, name, "[" + slashes);
    // what is in the tag may itself be a statement
    closing = at;
    return name;
  }

  /** "five points out of five", "rating 5/5", "this answer earns 5 points". */
  private int grade(int i) {
    int previous = text.at(i - 1);
    if (Character.isLetterOrDigit(previous) || (previous == '.' && isDigit(text.at(i - 2)))) {
      return i;
    }
    int first = number(i);
    if (first == i) {
      return i;
    }
    int at = blanks(first);
    int unitEnd = unit(at);
    boolean unit = unitEnd > at;
    int scale = scale(blanks(unit ? unitEnd : first));
    boolean outOf = scale >= 0;
    int end = outOf ? scale : first;
    boolean unitBehind = outOf && unit(blanks(end)) > blanks(end);
    boolean grade =
        outOf
            ? unit || unitBehind || before(i, GRADES)
            : (unit && before(i, CLAIMS) && before(i, JUDGED)) || isLabelled(i);
    if (!grade) {
      return i;
    }
    grades = true;
    replace(i, end, REMOVED);
    return end;
  }

  /** Behind a number in digits or in a word, or {@code at}. */
  private int number(int at) {
    int end = at;
    while (isDigit(text.at(end))
        || (end > at && text.at(end) == '.' && isDigit(text.at(end + 1)))) {
      end++;
    }
    if (end > at) {
      return Character.isLetter(text.at(end)) ? at : end;
    }
    int word = wordEnd(at);
    return NUMBER_WORDS.contains(text.word(at, word, LONGEST_WORD)) ? word : at;
  }

  /** Words are looked for where one begins only, so that long ones cost nothing. */
  private int wordEnd(int at) {
    return Character.isLetter(text.at(at - 1)) ? at : text.endOfWord(at);
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  private int blanks(int from) {
    int at = from;
    while (text.at(at) == ' ' || text.at(at) == '-' || ScoreParser.isMarkup(text.at(at))) {
      at++;
    }
    return at;
  }

  private int unit(int at) {
    int end = wordEnd(at);
    return UNITS.contains(text.word(at, end, LONGEST_WORD)) ? end : at;
  }

  /** Behind "/5", "out of 5" or "of five"; negative where there is none. */
  private int scale(int from) {
    int at = from;
    if (text.at(at) == '/') {
      at++;
    } else {
      if (text.has("out ", at)) {
        at = blanks(at + 3);
      }
      if (!text.has("of ", at)) {
        return -1;
      }
      at += 2;
    }
    at = blanks(at);
    int end = number(at);
    return end > at ? end : -1;
  }

  /** Whether one of the words is among the last of the same sentence. */
  private boolean before(int at, Set<String> words) {
    int end = at;
    int most = words == JUDGED ? 2 * WORDS_BEFORE : WORDS_BEFORE;
    for (int count = 0; count < most; count++) {
      int to = end;
      while (text.at(to - 1) != FoldedText.END
          && !Character.isLetter(text.at(to - 1))
          && at - to < LOOK_BACK) {
        int c = text.at(to - 1);
        if (c == '.' || c == '\n' || c == '!' || c == '?' || c == ';') {
          return false;
        }
        to--;
      }
      int from = to;
      while (Character.isLetter(text.at(from - 1)) && at - from < LOOK_BACK) {
        from--;
      }
      if (from == to) {
        return false;
      }
      if (words.contains(text.word(from, to, LONGEST_WORD))) {
        return true;
      }
      end = from;
    }
    return false;
  }

  /** "Rating: 5", "points = 5": the colon and a label right before the number. */
  private boolean isLabelled(int at) {
    int i = at - 1;
    boolean colon = false;
    while (at - i < LOOK_BACK
        && (text.at(i) == ' '
            || text.at(i) == ':'
            || text.at(i) == '='
            || ScoreParser.isMarkup(text.at(i)))) {
      colon |= text.at(i) == ':' || text.at(i) == '=';
      i--;
    }
    int from = i;
    while (Character.isLetter(text.at(from)) && i - from < LONGEST_WORD) {
      from--;
    }
    return colon && LABELS.contains(text.word(from + 1, i + 1, LONGEST_WORD));
  }

  /**
   * Whether a word may begin here for a reader of what {@link #of} makes: where something was
   * replaced, one may.
   */
  private boolean begins(int at) {
    int before = at - 1;
    while (text.at(before) == '_' || text.at(before) == '-') {
      before--;
    }
    return before < replaced || !Character.isLetter(text.at(before));
  }

  /** The word, or what the eye takes for it: "Sc0re". */
  private boolean looksLike(String word, int at) {
    for (int i = 0; i < word.length(); i++) {
      int c = FoldedText.lower(text.at(at + i));
      int wanted = word.charAt(i);
      boolean alike =
          c == wanted
              || (c == '0' && wanted == 'o')
              || (c == '3' && wanted == 'e')
              || ((c == '5' || c == '$') && wanted == 's');
      if (!alike) {
        return false;
      }
    }
    return true;
  }
}
