package org.autodidact.checkpoints.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Python's view of texts: its white space, its code points, its literals. */
final class PythonText {
  private PythonText() {}

  /** As {@code str.isspace}. */
  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0D)
        || (c >= 0x1C && c <= 0x20)
        || c == 0x85
        || c == 0xA0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200A)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202F
        || c == 0x205F
        || c == 0x3000;
  }

  static String stripRight(String text) {
    int to = text.length();
    while (to > 0 && isSpace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(0, to);
  }

  /** The code points of a text, each as a text. */
  static List<Object> characters(String text) {
    List<Object> characters = new ArrayList<>(text.length());
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  /** Looks at each character, as {@link #slice} does. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** {@code text[from:to]} by code points, both within the text. */
  static String slice(String text, int from, int to) {
    if (from >= to) {
      return "";
    }
    int start = text.offsetByCodePoints(0, from);
    return text.substring(start, text.offsetByCodePoints(start, to - from));
  }

  /** What the inside of a string literal means. */
  static String unescape(String literal, int line) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    StringBuilder text = new StringBuilder();
    int i = 0;
    while (i < literal.length()) {
      char c = literal.charAt(i++);
      if (c != '\\' || i == literal.length()) {
        text.append(c);
        continue;
      }
      char escaped = literal.charAt(i++);
      switch (escaped) {
        case '\n' -> {}
        case '\\', '\'', '"' -> text.append(escaped);
        case 'a' -> text.append('\u0007');
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'v' -> text.append('\u000B');
        case 'x' -> i = hexadecimal(literal, i, 2, line, text);
        case 'u' -> i = hexadecimal(literal, i, 4, line, text);
        case 'U' -> i = hexadecimal(literal, i, 8, line, text);
        case 'N' -> throw new JinjaException("the escape \\N{…} is not supported", line);
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int to = i;
          while (to < literal.length()
              && to < i + 2
              && Character.digit(literal.charAt(to), 8) >= 0) {
            to++;
          }
          text.append((char) Integer.parseInt(literal.substring(i - 1, to), 8));
          i = to;
        }
        default -> {
          // Python escapes what is not ASCII first, so that the two backslashes become one.
          int codePoint = literal.codePointAt(i - 1);
          i += Character.charCount(codePoint) - 1;
          text.append('\\').append(codePoint < 0x80 ? "" + escaped : escape(codePoint));
        }
      }
    }
    return text.toString();
  }

  private static int hexadecimal(String literal, int from, int digits, int line, StringBuilder to) {
    int end = from + digits;
    int codePoint = 0;
    for (int i = from; i < end; i++) {
      int digit = i < literal.length() ? Character.digit(literal.charAt(i), 16) : -1;
      if (digit < 0 || codePoint > 0x10FFFF >> 4) {
        throw new JinjaException("a broken escape in '" + literal + "'", line);
      }
      codePoint = codePoint * 16 + digit;
    }
    to.appendCodePoint(codePoint);
    return end;
  }

  /** As {@code repr} of a str. */
  static String repr(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder shown = new StringBuilder().append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> shown.append("\\n");
                case '\r' -> shown.append("\\r");
                case '\t' -> shown.append("\\t");
                case '\\' -> shown.append("\\\\");
                default -> {
                  if (c == quote) {
                    shown.append('\\').append(quote);
                  } else if (isPrintable(c)) {
                    shown.appendCodePoint(c);
                  } else {
                    shown.append('\\').append(escape(c));
                  }
                }
              }
            });
    return shown.append(quote).toString();
  }

  private static String escape(int c) {
    return String.format(Locale.ROOT, c < 0x100 ? "x%02x" : c < 0x10000 ? "u%04x" : "U%08x", c);
  }

  static boolean isPrintable(int c) {
    if (c == ' ') {
      return true;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
          false;
      default -> true;
    };
  }

  /** As {@code repr} of a float: the fewest digits that give it back. */
  static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(value);
    BigDecimal shortest = exact;
    for (int precision = 1; precision <= 17; precision++) {
      shortest = exact.round(new MathContext(precision));
      if (shortest.doubleValue() == value) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = shortest.unscaledValue().abs().toString();
    return (value < 0 ? "-" : "")
        + digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + "e"
        + (exponent < 0 ? "-" : "+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }
}
