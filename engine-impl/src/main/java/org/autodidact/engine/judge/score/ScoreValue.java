package org.autodidact.engine.judge.score;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.autodidact.api.Judge.Scale;
import org.autodidact.api.JudgementSample.ParseFailure;

/**
 * Reads one statement, from its label on: {@code Score (out of 5): 4}. The cursor only goes forward
 * and never past the next word that is not expected, so that all statements of a text take time by
 * its length.
 */
public final class ScoreValue {
  /** Behind the number these say that it is no verdict: "Score: 5 would need sources". */
  private static final Set<String> MENTIONS =
      Set.of(
          "would",
          "could",
          "should",
          "might",
          "may",
          "must",
          "can",
          "cannot",
          "needs",
          "need",
          "requires",
          "require",
          "is",
          "was",
          "were",
          "means",
          "if",
          "only",
          "unless",
          "when");

  /** Behind the number these give its reason. */
  private static final Set<String> REASONS =
      Set.of(
          "because",
          "since",
          "as",
          "due",
          "with",
          "given",
          "overall",
          "therefore",
          "thus",
          "rather",
          "instead",
          "not");

  /** Between "out of" and its number, or behind it. */
  private static final Set<String> POSSIBLE =
      Set.of("a", "the", "possible", "maximum", "max", "total", "of");

  /** Behind the number these make another number, or several, of it: "3 to 4", "1 for style". */
  private static final Set<String> NUMERALS =
      Set.of(
          "to", "or", "and", "through", "minus", "plus", "times", "for", "versus", "vs", "point",
          "half", "percent", "st", "nd", "rd", "th", "x", "e");

  private static final Set<String> UNITS =
      Set.of("points", "point", "pts", "pt", "stars", "star", "marks", "mark", "分", "点", "점");

  /** Words of a label's brackets: "Score (out of a maximum of 5 points)". */
  private static final Set<String> QUALIFIERS =
      Set.of(
          "out",
          "of",
          "a",
          "the",
          "max",
          "maximum",
          "points",
          "point",
          "pts",
          "from",
          "to",
          "on",
          "scale",
          "total",
          "final",
          "overall",
          "possible",
          "between",
          "and");

  private static final List<String> NUMBER_WORDS =
      List.of(
          "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

  private static final int LONGEST_BRACKET = 200;
  private static final int LONGEST_QUALIFIER = 80;
  private static final int LONGEST_WORD = 16;
  private static final int REST = 200;
  private static final double SAME = 1e-6;

  private final FoldedText text;
  private final int label;
  private final Scale scale;
  private int at;
  private boolean touchedEnd;

  /** A statement is unreadable for a reason, or it is none. */
  private static final class Unreadable extends Exception {
    private static final long serialVersionUID = 1;
    private final transient Optional<ParseFailure> reason;

    Unreadable(Optional<ParseFailure> reason) {
      super(null, null, false, false);
      this.reason = reason;
    }
  }

  /**
   * @param label where the word "score" begins
   */
  ScoreValue(FoldedText text, int label, Scale scale) {
    this.text = text;
    this.label = label;
    this.scale = scale;
  }

  /** The statement, or nothing where the label has no colon or only mentions a number. */
  Optional<ScoreStatement> read() {
    try {
      at = label + "score".length();
      Optional<ParseFailure> otherScale = qualifier();
      if (!separator()) {
        return Optional.empty();
      }
      double value = value();
      if (otherScale.isPresent()) {
        throw unreadable(otherScale.get());
      }
      if (!(value >= scale.lowest() && value <= scale.highest())) {
        throw unreadable(ParseFailure.OFF_SCALE);
      }
      return Optional.of(ScoreStatement.of(value));
    } catch (Unreadable e) {
      return e.reason.map(ScoreStatement::failure);
    }
  }

  /** Whether the end of the text had a part in what was read: more text could have changed it. */
  boolean touchedEnd() {
    return touchedEnd;
  }

  /**
   * The separator and the numbers of what could be read as a statement, whatever stands before the
   * label: from, to.
   *
   * @param end behind the label
   * @return nothing where there is no separator
   */
  public static Optional<int[]> span(FoldedText text, int label, int end) {
    ScoreValue value = new ScoreValue(text, label, Scale.FIVE_POINTS);
    value.at = end;
    try {
      value.qualifier();
    } catch (Unreadable e) {
      return Optional.empty();
    }
    int from = value.at;
    while (value.c() == '\n' || value.c() == ' ') {
      value.at++;
    }
    if (!value.separator()) {
      return Optional.empty();
    }
    int to = value.at;
    try {
      value.open();
    } catch (Unreadable e) {
      return Optional.of(new int[] {from, to});
    }
    return Optional.of(new int[] {from, Math.max(to, value.endOfNumbers())});
  }

  private int c() {
    touchedEnd |= at >= text.length();
    return text.at(at);
  }

  private int next() {
    touchedEnd |= at + 1 >= text.length();
    return text.at(at + 1);
  }

  private static Unreadable unreadable(ParseFailure reason) {
    return new Unreadable(Optional.of(reason));
  }

  private static Unreadable ambiguous() {
    return unreadable(ParseFailure.AMBIGUOUS);
  }

  private static Unreadable mention() {
    return new Unreadable(Optional.empty());
  }

  private void blanks() {
    while (c() == ' ') {
      at++;
    }
  }

  private void blanksAndMarkup() {
    while (c() == ' ' || ScoreParser.isMarkup(c())) {
      at++;
    }
  }

  /** "(out of 5)", "out of 5", "/5"; what it says of another scale. */
  private Optional<ParseFailure> qualifier() throws Unreadable {
    Optional<ParseFailure> other = Optional.empty();
    while (true) {
      blanksAndMarkup();
      int c = c();
      OptionalDouble highest;
      if (c == '(' || c == '[') {
        highest = bracket(c == '(' ? ')' : ']');
      } else if (c == '/' || isWord("out") || isWord("of")) {
        highest = denominator();
      } else if (c == ')' || c == ']' || c == '}') {
        at++;
        continue;
      } else {
        return other;
      }
      if (highest.isPresent() && highest.getAsDouble() != scale.highest()) {
        other = Optional.of(ParseFailure.OTHER_DENOMINATOR);
      }
    }
  }

  /** The last number in a bracket of known words; another word makes it an aspect's score. */
  private OptionalDouble bracket(int close) throws Unreadable {
    int from = at++;
    OptionalDouble last = OptionalDouble.empty();
    while (c() != close) {
      if (c() == FoldedText.END || c() == '\n' || at - from > LONGEST_QUALIFIER) {
        throw mention();
      }
      if (Character.isLetter(c())) {
        int end = endOfWord();
        if (!QUALIFIERS.contains(text.word(at, end, LONGEST_WORD))) {
          throw mention();
        }
        at = end;
      } else if (isDigit(c())) {
        last = OptionalDouble.of(term());
      } else {
        at++;
      }
    }
    at++;
    return last;
  }

  private boolean separator() {
    boolean tag = text.at(label - 1) == '<' && c() == '>';
    if (tag) {
      at++;
    }
    int from = at;
    while (c() == ':' || c() == '=' || (c() == ' ' && at > from)) {
      at++;
    }
    return tag || at > from;
  }

  /** Everything from behind the separator to the end of the statement. */
  private double value() throws Unreadable {
    Opened opened = open();
    boolean negative = c() == '-';
    if (negative) {
      at++;
      blanks();
    }
    if (!startsNumber()) {
      throw ambiguous();
    }
    if (negative && scale.lowest() >= 0) {
      throw unreadable(ParseFailure.OFF_SCALE);
    }
    Tail tail = new Tail(opened);
    tail.read();
    return negative ? -tail.value : tail.value;
  }

  /**
   * @param onNewLine the number is on a line after the label's
   * @param angle it is in angle brackets
   */
  private record Opened(boolean onNewLine, boolean angle) {}

  /** Skips what may stand before a number: Markdown, brackets, a placeholder, "≈", a line break. */
  private Opened open() throws Unreadable {
    boolean onNewLine = false;
    boolean angle = false;
    boolean plus = false;
    while (true) {
      int c = c();
      if (c == '\n') {
        onNewLine = true;
      } else if (c == '\\') {
        at++;
        at = text.endOfWord(at) - 1;
      } else if (c == '<' && !angle) {
        at++;
        blanks();
        angle = startsNumber();
        if (angle) {
          return new Opened(onNewLine, true);
        }
        placeholder('>');
        continue;
      } else if ((c == '(' || c == '[') && Character.isLetter(next())) {
        at++;
        placeholder(c == '(' ? ')' : ']');
        continue;
      } else if (c == '+' && !plus) {
        plus = true;
      } else if (!(c == ' '
          || ScoreParser.isMarkup(c)
          || c == '('
          || c == '['
          || c == '{'
          || c == '|'
          || c == '≈'
          || c == '≅'
          || c == '∼')) {
        return new Opened(onNewLine, angle);
      }
      at++;
    }
  }

  /** "total points>", a tag's rest: letters and no number. */
  private void placeholder(int close) throws Unreadable {
    int from = at;
    while (c() != close) {
      boolean inner = Character.isLetter(c()) || c() == ' ' || c() == '/' || c() == '_';
      if (!inner || at - from > LONGEST_QUALIFIER) {
        throw ambiguous();
      }
      at++;
    }
    at++;
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  private boolean startsNumber() {
    return isDigit(c()) || (c() == '.' && isDigit(next())) || Fractions.of(c()).isPresent();
  }

  private int endOfWord() {
    int end = text.endOfWord(at);
    touchedEnd |= end >= text.length();
    return end;
  }

  private boolean isWord(String word) {
    return Character.isLetter(c()) && text.word(at, endOfWord(), LONGEST_WORD).equals(word);
  }

  private String digits() {
    int from = at;
    while (isDigit(c())) {
      at++;
    }
    StringBuilder digits = new StringBuilder();
    for (int i = from; i < at; i++) {
      digits.appendCodePoint(text.at(i));
    }
    return digits.toString();
  }

  /** A number: "4", "4.5", "4,5", ".5", "4e0", "3½", "3 1/2". */
  private double term() throws Unreadable {
    String whole = digits();
    String number = whole.isEmpty() ? "0" : whole;
    boolean mark = (c() == '.' || c() == ',') && isDigit(next());
    if (mark) {
      boolean comma = c() == ',';
      at++;
      String fraction = digits();
      if (comma && fraction.length() == 3 && !whole.isEmpty() && whole.length() <= 3) {
        throw ambiguous(); // one thousand, or one
      }
      number += "." + fraction;
      if ((c() == '.' || c() == ',') && isDigit(next())) {
        throw ambiguous();
      }
    }
    number += exponent();
    double value = Double.parseDouble(number);
    return mark ? value : value + fraction(whole.isEmpty());
  }

  private String exponent() {
    int from = at;
    if (c() == 'e' || c() == 'E') {
      at++;
      String sign = c() == '-' || c() == '+' ? Character.toString(c()) : "";
      at += sign.length();
      String digits = digits();
      if (!digits.isEmpty() && !Character.isLetter(c())) {
        return "e" + sign + digits;
      }
      at = from;
    }
    return "";
  }

  /** The fraction after a whole number: "½", " ½", " 1/2"; 0 where there is none. */
  private double fraction(boolean alone) {
    int from = at;
    if (!alone) {
      blanks();
    }
    OptionalDouble sign = Fractions.of(c());
    if (sign.isPresent()) {
      at++;
      return sign.getAsDouble();
    }
    if (!alone && at > from && isDigit(c())) {
      String numerator = digits();
      if (c() == '/' && isDigit(next())) {
        at++;
        String denominator = digits();
        OptionalDouble value = Fractions.of(numerator, denominator);
        boolean ends = !isDigit(c()) && !(c() == '.' && isDigit(next())) && c() != '/';
        if (value.isPresent() && ends && Double.parseDouble(denominator) != scale.highest()) {
          return value.getAsDouble();
        }
      }
    }
    at = from;
    return 0;
  }

  /** Behind "/", "out of" or "of". */
  private OptionalDouble denominator() throws Unreadable {
    if (c() == '/') {
      at++;
    } else {
      if (isWord("out")) {
        at = endOfWord();
        blanks();
      }
      if (!isWord("of")) {
        throw ambiguous();
      }
      at = endOfWord();
    }
    blanksAndMarkup();
    while (c() == '(' || c() == '[' || c() == '{') {
      at++;
    }
    while (Character.isLetter(c()) && POSSIBLE.contains(wordHere())) {
      at = endOfWord();
      blanks();
    }
    if (startsNumber()) {
      return OptionalDouble.of(term());
    }
    int end = endOfWord();
    int word = NUMBER_WORDS.indexOf(text.word(at, end, LONGEST_WORD));
    if (word < 0) {
      throw ambiguous();
    }
    at = end;
    return OptionalDouble.of(word);
  }

  private String wordHere() {
    return text.word(at, endOfWord(), LONGEST_WORD);
  }

  /** "on a scale of 10", "on a scale from 0 to 5": the highest. */
  private OptionalDouble onScale() throws Unreadable {
    while (Character.isLetter(c()) && QUALIFIERS.contains(wordHere())) {
      at = endOfWord();
      blanks();
    }
    if (!startsNumber()) {
      throw ambiguous();
    }
    double highest = term();
    int end = at;
    blanks();
    if (c() == '-' || isWord("to")) {
      at = c() == '-' ? at + 1 : endOfWord();
      blanks();
      if (startsNumber()) {
        return OptionalDouble.of(term());
      }
    }
    at = end;
    return OptionalDouble.of(highest);
  }

  /** The end of the numbers, marks and units from here on, for {@code InjectionGuard}. */
  private int endOfNumbers() {
    int end = -1;
    while (true) {
      int c = text.at(at);
      boolean blank = c == ' ' || ScoreParser.isMarkup(c);
      boolean joins = c != FoldedText.END && ".,/+-=:()[]{}<>|^%×".indexOf(c) >= 0;
      if (isDigit(c)
          || Fractions.of(c).isPresent()
          || Character.getType(c) == Character.OTHER_NUMBER) {
        at++;
        end = at;
      } else if (blank || joins) {
        at++;
      } else if (isWord("out") || isWord("of") || isWord("to") || isWord("e")) {
        at = text.endOfWord(at);
      } else if (NUMBER_WORDS.contains(text.word(at, text.endOfWord(at), LONGEST_WORD))) {
        at = text.endOfWord(at);
        end = at;
      } else {
        return end;
      }
    }
  }

  /** From the number on to where the statement ends. */
  private final class Tail {
    private final Opened opened;
    private double value;
    private boolean sum;
    private boolean total;
    private double summed;
    private boolean divided;
    private boolean unit;
    private boolean bracketed;
    private boolean angle;

    Tail(Opened opened) {
      this.opened = opened;
      this.angle = opened.angle();
    }

    void read() throws Unreadable {
      value = term();
      summed = value;
      attached();
      boolean more = true;
      while (more) {
        more = part();
      }
      if (angle || (sum && !(total && Math.abs(summed - value) <= SAME))) {
        throw ambiguous(); // "<4" is less than 4; a sum without its total, or with another
      }
    }

    /** A letter right behind a number makes something else of it: "5th", "4x". */
    private void attached() throws Unreadable {
      if (Character.isLetter(c()) && !UNITS.contains(text.word(at, endOfWord(), LONGEST_WORD))) {
        throw ambiguous();
      }
    }

    /** One part behind the number; whether the statement goes on. */
    private boolean part() throws Unreadable {
      int c = c();
      if (c == FoldedText.END || c == '\n') {
        return false;
      }
      if (Character.isLetter(c)) {
        return word();
      }
      if (isDigit(c) || Fractions.of(c).isPresent()) {
        if (Math.abs(term() - value) > SAME) {
          throw ambiguous();
        }
        attached();
        return true;
      }
      switch (c) {
        case '+', '-':
          return operator(c == '+' ? 1 : -1);
        case '=':
          at++;
          blanksAndMarkup();
          if (!startsNumber() || !sum || total) {
            throw ambiguous();
          }
          total = true;
          unit = false;
          value = term();
          attached();
          return true;
        case '/':
          return scaleOf(denominator());
        case '(', '[':
          return parenthesis(c == '(' ? ')' : ']');
        case '.':
          return stop();
        case '?':
          throw mention();
        case '>':
          angle = false;
          at++;
          return true;
        case '%', '^', '×', '·', '‰', '±', '²', '³', '→':
          throw ambiguous();
        case '!', ';', ',', ':':
          at++;
          return close(c == ',' || c == ':');
        case '<':
          at++;
          if (startsNumber()) {
            throw ambiguous();
          }
          return close(false);
        default:
          if (Character.getType(c) == Character.OTHER_NUMBER) {
            throw ambiguous();
          }
          at++; // white space, Markdown, closing brackets, other signs
          return true;
      }
    }

    private boolean scaleOf(OptionalDouble denominator) throws Unreadable {
      if (divided || (c() == '/')) {
        throw ambiguous();
      }
      attached();
      divided = true;
      unit = false;
      if (denominator.isPresent() && denominator.getAsDouble() != scale.highest()) {
        throw unreadable(ParseFailure.OTHER_DENOMINATOR);
      }
      return true;
    }

    /** A sum goes on, or a dash ends the statement. */
    private boolean operator(int sign) throws Unreadable {
      at++;
      while (sign < 0 && (c() == '-' || c() == '>')) {
        at++;
      }
      blanksAndMarkup();
      if (startsNumber() && !divided) {
        sum = true;
        unit = false;
        summed += sign * term();
        attached();
        bracketed = false;
        return true;
      }
      if (sign > 0 || startsNumber()) {
        throw ambiguous();
      }
      return close(true);
    }

    /** "(was 2)", "(out of 5)". */
    private boolean parenthesis(int close) throws Unreadable {
      int from = at++;
      blanks();
      if (startsNumber()) {
        term();
        blanks();
      }
      if (c() == '/' || isWord("out") || isWord("of")) {
        scaleOf(denominator());
      } else if (isWord("on") || isWord("scale") || isWord("max") || isWord("maximum")) {
        scaleOf(onScale());
      } else if (Character.isLetter(c())
          && MENTIONS.contains(text.word(at, endOfWord(), LONGEST_WORD))
          && !isWord("was")
          && !isWord("is")) {
        throw mention();
      }
      while (c() != close) {
        if (c() == FoldedText.END || c() == '\n' || at - from > LONGEST_BRACKET) {
          return false;
        }
        at++;
      }
      at++;
      bracketed = true;
      return true;
    }

    private boolean stop() throws Unreadable {
      boolean spaced = text.at(at - 1) == ' ';
      at++;
      boolean dots = c() == '.';
      while (c() == '.') {
        at++;
      }
      if (isDigit(c())) {
        throw ambiguous();
      }
      int from = at;
      blanksAndMarkup();
      if (isDigit(c()) && (dots || (spaced && at - from <= 1))) {
        throw ambiguous();
      }
      return close(false);
    }

    /**
     * The statement is closed. On a line of its own it must be all that is there; else the rest of
     * the sentence must not go on counting.
     */
    private boolean close(boolean sentenceGoesOn) throws Unreadable {
      blanksAndMarkup();
      if (opened.onNewLine() && c() != '\n' && c() != FoldedText.END) {
        throw ambiguous();
      }
      if (!sentenceGoesOn || text.at(label - 1) == '"') {
        return false; // a sentence's end, or the next member of a JSON object
      }
      if (startsNumber()) {
        throw ambiguous();
      }
      int most = at + REST;
      while (at < most && c() != '\n' && c() != FoldedText.END) {
        boolean counts = c() == '=' || c() == '+';
        if (c() == ';' || (c() == '.' && next() == ' ')) {
          return false;
        }
        at++;
        if (counts) {
          blanksAndMarkup();
          if (startsNumber()) {
            throw ambiguous();
          }
        }
      }
      return false;
    }

    private boolean word() throws Unreadable {
      int end = endOfWord();
      String word = text.word(at, end, LONGEST_WORD);
      boolean sentence = Character.isUpperCase(text.at(at));
      if (word.equals("out") || word.equals("of")) {
        return scaleOf(denominator());
      }
      if (word.equals("on")) {
        return scaleOf(onScale());
      }
      if (divided && word.equals("possible")) {
        at = end;
        return true;
      }
      if (UNITS.contains(word) && !unit) {
        unit = true;
        at = end;
        return true;
      }
      if (MENTIONS.contains(word)) {
        throw mention();
      }
      if (NUMERALS.contains(word) || !hasCase(text.at(at))) {
        throw ambiguous();
      }
      if (!sentence && !REASONS.contains(word) && !bracketed) {
        throw mention();
      }
      return close(!sentence);
    }
  }

  private static boolean hasCase(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c);
  }

  /** Fractions that are one character, and those that are written out. */
  private static final class Fractions {
    private static final String SIGNS = "¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒";
    private static final double[] VALUES = {
      1 / 4.0, 1 / 2.0, 3 / 4.0, 1 / 3.0, 2 / 3.0, 1 / 5.0, 2 / 5.0, 3 / 5.0, 4 / 5.0, 1 / 6.0,
      5 / 6.0, 1 / 8.0, 3 / 8.0, 5 / 8.0, 7 / 8.0, 1 / 7.0, 1 / 9.0, 1 / 10.0
    };
    private static final int MOST = 16;

    static OptionalDouble of(int c) {
      int index = c == FoldedText.END ? -1 : SIGNS.indexOf(c);
      return index < 0 ? OptionalDouble.empty() : OptionalDouble.of(VALUES[index]);
    }

    /** A proper fraction of small numbers. */
    static OptionalDouble of(String numerator, String denominator) {
      if (numerator.length() > 2 || denominator.length() > 2) {
        return OptionalDouble.empty();
      }
      int n = Integer.parseInt(numerator);
      int d = Integer.parseInt(denominator);
      return n > 0 && n < d && d <= MOST
          ? OptionalDouble.of(n / (double) d)
          : OptionalDouble.empty();
    }
  }
}
