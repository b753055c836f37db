package org.autodidact.checkpoints.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.autodidact.checkpoints.jinja.Token.Kind;

/**
 * Cuts a template into tokens as Jinja2's lexer does with {@code trim_blocks} and {@code
 * lstrip_blocks}: all line ends are line feeds, one at the template's end is dropped, one after a
 * block is dropped, and so is the white space between a line's start and a block.
 */
final class Lexer {
  private static final List<String> OPERATORS =
      List.of(
          "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    Lexer lexer = new Lexer(source);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    boolean lineStart = true;
    while (at < source.length()) {
      int begin = nextTag();
      if (begin < 0) {
        add(Kind.DATA, source.substring(at));
        break;
      }
      char sign = begin + 2 < source.length() ? source.charAt(begin + 2) : ' ';
      boolean block = source.charAt(begin + 1) != '{';
      String data = source.substring(at, begin);
      int dataLine = line;
      countLines(at, begin);
      if (sign == '-') {
        data = PythonText.stripRight(data);
      } else if (sign != '+' && block) {
        data = withoutIndentation(data, lineStart);
      }
      if (!data.isEmpty()) {
        tokens.add(new Token(Kind.DATA, data, dataLine));
      }
      at = begin + (sign == '-' || sign == '+' ? 3 : 2);
      switch (source.charAt(begin + 1)) {
        case '#' -> comment();
        case '{' -> tag(Kind.EXPRESSION_BEGIN, Kind.EXPRESSION_END, "}}");
        default -> {
          if (!raw()) {
            tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
          }
        }
      }
      lineStart = at > 0 && source.charAt(at - 1) == '\n';
    }
    tokens.add(new Token(Kind.END, "", line));
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Without white space between the last line's start and the tag, if there is nothing else. */
  private static String withoutIndentation(String data, boolean lineStart) {
    int start = data.lastIndexOf('\n') + 1;
    boolean blank = PythonText.stripRight(data.substring(start)).isEmpty();
    return (start > 0 || lineStart) && blank ? data.substring(0, start) : data;
  }

  private void comment() {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw new JinjaException("a comment '{#' is not closed by '#}'", line);
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    countLines(at, end);
    at = end + 2;
    skipAfter(sign, true);
  }

  /** After a tag's end: all white space after a minus, else one line feed after a block. */
  private void skipAfter(char sign, boolean block) {
    int from = at;
    if (sign == '-') {
      while (at < source.length() && PythonText.isSpace(source.charAt(at))) {
        at++;
      }
    } else if (sign != '+' && block && at < source.length() && source.charAt(at) == '\n') {
      at++;
    }
    countLines(from, at);
  }

  /** Takes <code>{% raw %} … {% endraw %}</code>, if that is what begins here. */
  private boolean raw() {
    int i = skipSpace(at);
    if (!source.startsWith("raw", i)) {
      return false;
    }
    i = skipSpace(i + 3);
    boolean minus = source.startsWith("-%}", i);
    if (!minus && !source.startsWith("%}", i)) {
      return false;
    }
    int from = i + (minus ? 3 : 2);
    countLines(at, from);
    at = from;
    skipAfter(minus ? '-' : '+', true);
    for (int end = source.indexOf("{%", at); end >= 0; end = source.indexOf("{%", end + 2)) {
      int inside = end + 2;
      char sign = inside < source.length() ? source.charAt(inside) : ' ';
      int word = skipSpace(sign == '-' || sign == '+' ? inside + 1 : inside);
      int close = source.startsWith("endraw", word) ? skipSpace(word + 6) : -1;
      char closeSign = close >= 0 && close < source.length() ? source.charAt(close) : ' ';
      int brace = closeSign == '-' || closeSign == '+' ? close + 1 : close;
      if (close >= 0 && source.startsWith("%}", brace)) {
        String data = source.substring(at, end);
        boolean lineStart = source.charAt(at - 1) == '\n';
        if (sign == '-') {
          data = PythonText.stripRight(data);
        } else if (sign != '+') {
          data = withoutIndentation(data, lineStart);
        }
        add(Kind.DATA, data);
        countLines(at, brace + 2);
        at = brace + 2;
        skipAfter(closeSign, true);
        return true;
      }
    }
    throw new JinjaException("'{% raw %}' is not closed by '{% endraw %}'", line);
  }

  private int skipSpace(int from) {
    int i = from;
    while (i < source.length() && PythonText.isSpace(source.charAt(i))) {
      i++;
    }
    return i;
  }

  private void tag(Kind begin, Kind end, String close) {
    int opened = line;
    add(begin, "");
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      int from = at;
      at = skipSpace(at);
      countLines(from, at);
      if (at >= source.length()) {
        throw new JinjaException("a tag is not closed by '" + close + "'", opened);
      }
      char c = source.charAt(at);
      if (open.isEmpty()) {
        boolean sign = c == '-' || (c == '+' && end == Kind.BLOCK_END);
        if (source.startsWith(close, sign ? at + 1 : at)) {
          add(end, "");
          at += sign ? 3 : 2;
          skipAfter(sign ? c : ' ', end == Kind.BLOCK_END);
          return;
        }
      }
      token(c, open);
    }
  }

  private void token(char c, Deque<Character> open) {
    if (c == '"' || c == '\'') {
      string(c);
    } else if (isDigit(c)) {
      number();
    } else if (isWord(source.codePointAt(at))) {
      name();
    } else {
      operator(open);
    }
  }

  private void string(char quote) {
    int end = at + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw new JinjaException("a text is not closed by " + quote, line);
    }
    add(Kind.STRING, PythonText.unescape(source.substring(at + 1, end), line));
    countLines(at, end + 1);
    at = end + 1;
  }

  private void number() {
    int from = at;
    char after = at + 1 < source.length() ? Character.toLowerCase(source.charAt(at + 1)) : ' ';
    if (source.charAt(at) == '0' && (after == 'x' || after == 'o' || after == 'b')) {
      at += 2;
      while (at < source.length()
          && (Character.digit(source.charAt(at), 16) >= 0 || source.charAt(at) == '_')) {
        at++;
      }
      integer(from, after == 'x' ? 16 : after == 'o' ? 8 : 2, 2);
      return;
    }
    digits();
    boolean whole = true;
    boolean afterDot = from > 0 && source.charAt(from - 1) == '.';
    if (!afterDot
        && at + 1 < source.length()
        && source.charAt(at) == '.'
        && isDigit(source.charAt(at + 1))) {
      at++;
      digits();
      whole = false;
    }
    if (!afterDot && at < source.length() && (source.charAt(at) | 32) == 'e') {
      int exponent = at + 1;
      if (exponent < source.length() && "+-".indexOf(source.charAt(exponent)) >= 0) {
        exponent++;
      }
      if (exponent < source.length() && isDigit(source.charAt(exponent))) {
        at = exponent;
        digits();
        whole = false;
      }
    }
    if (whole) {
      integer(from, 10, 0);
    } else {
      add(Kind.FLOAT, source.substring(from, at).replace("_", ""));
    }
  }

  private void integer(int from, int radix, int prefix) {
    String written = source.substring(from, at);
    String text = written.replace("_", "").substring(prefix);
    if (written.endsWith("_") || prefix == 0 && text.startsWith("0") && !text.matches("0+")) {
      throw new JinjaException("'" + written + "' is no number", line);
    }
    try {
      add(Kind.INTEGER, Long.toString(Long.parseLong(text, radix)));
    } catch (NumberFormatException e) {
      throw new JinjaException("'" + text + "' is no integer of 64 bits", line);
    }
  }

  private void digits() {
    while (at < source.length() && (isDigit(source.charAt(at)) || source.charAt(at) == '_')) {
      at++;
    }
  }

  private void name() {
    int from = at;
    while (at < source.length() && isWord(source.codePointAt(at))) {
      at += Character.charCount(source.codePointAt(at));
    }
    add(Kind.NAME, source.substring(from, at));
  }

  private void operator(Deque<Character> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        char c = operator.charAt(0);
        if ("([{".indexOf(c) >= 0) {
          open.push(c == '(' ? ')' : c == '[' ? ']' : '}');
        } else if (")]}".indexOf(c) >= 0 && (open.isEmpty() || open.pop() != c)) {
          throw new JinjaException("unexpected '" + c + "'", line);
        }
        add(Kind.OPERATOR, operator);
        at += operator.length();
        return;
      }
    }
    throw new JinjaException(
        "unexpected character '" + Character.toString(source.codePointAt(at)) + "'", line);
  }

  private void add(Kind kind, String value) {
    tokens.add(new Token(kind, value, line));
  }

  private void countLines(int from, int to) {
    for (int i = from; i < to; i++) {
      line += source.charAt(i) == '\n' ? 1 : 0;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isWord(int codePoint) {
    return codePoint == '_' || Character.isLetterOrDigit(codePoint);
  }
}
