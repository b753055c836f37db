package org.autodidact.engine.judge.score;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A text as a reader of scores sees it: full-width forms, other scripts' decimal digits, dashes,
 * quotes, colons and white space are ASCII, a line break is {@code \n}, and what cannot be seen is
 * left out. Each code point knows where it came from. The text itself is never changed by it.
 */
public final class FoldedText {
  /** The value of {@link #at} behind the end. */
  public static final int END = -1;

  private static final String COLONS =
      "\u02d0\u02f8\u0589\u05c3\u0703\u0704\u0903\u0a83\u1361\u16ec\u1803\u1809\u205a\u205d\u2236"
          + "\u2254\ua4fd\ua789\ufe30";

  private static final String EQUALS = "\u1400\u2e40\u30a0\ua78a\u2250\u2251\u225d\u2261\u2263";

  private static final String SLASHES = "\u2044\u2215\u2571\u29f8\u27cb\u00f7";

  /** Letters of other scripts that look like an ASCII letter (after UTS #39), by that letter. */
  private static final String[] LOOK_ALIKES = {
    "a\u0430\u0410\u03b1\u0391\u0251\u1d00\u13aa\ua4ee",
    "b\u042c\u044c\u0412\u0432\u0392\u0299\u13f4\u15f7\ua4d0\u0253\u0181",
    "c\u0441\u0421\u03f2\u03f9\u1d04\u2ca5\u2ca4\u13df\ua4da\u0188\u0187\u023c",
    "d\u0501\u0500\u1d05\u13a0\ua4d3\u0257",
    "e\u0435\u0415\u0395\u03b5\u025b\u04bd\u04bc\u13ac\ua4f0\u1d07\u2d39\u0454\u0404\ua793\uab32\u0247",
    "g\u0261\u0581\u13c0\ua4d6\u0262\u050d",
    "i\u0456\u0406\u0399\u03b9\u0131\u04cf\u04c0\u13a5\ua4f2\u026a\u2170",
    "j\u0458\u0408\u03f3\ua4d9",
    "m\u043c\u041c\u039c\u1d0d\u13b7\ua4df\u2c98",
    "n\u0578\u057c\u039d\u0274\ua4e0\u2c9a\u0271",
    "o\u043e\u041e\u03bf\u039f\u03c3\u0585\u0555\u1d0f\u1d11\u2c9f\u2c9e\u0d20\u101d\u10ff\u05e1"
        + "\u0647\ua4f3\u00f8\u00d8\u0275\u04e9\u04e8\u3007\u0398\u03b8\u2d54\u25cb\u25ef",
    "p\u0440\u0420\u03c1\u03a1\u1d18\u2ca3\u2ca2\u13e2\ua4d1",
    "r\u0433\u1d26\u2c85\uab47\uab48\u0280\u01a6\u13a1\u13d2\ua4e3\u042f\u044f\u027e\u027c\u024d",
    "s\u0455\u0405\u01bd\ua731\u054f\u13d5\u13da\ua4e2\u0282",
    "t\u0442\u0422\u03c4\u03a4\u1d1b\u2ca7\u2ca6\u13a2\ua4d4\u0163",
    "u\u057d\u054d\u03c5\u1d1c\ua4f4\u028b",
    "w\u0461\u0561\u051d\u051c\u1d21\u13b3\ua4ea",
  };

  private static final Map<Integer, Integer> LETTERS = letters();

  private final int[] points;
  private final int[] origins;
  private final int length;

  private FoldedText(int[] points, int[] origins, int length) {
    this.points = points;
    this.origins = origins;
    this.length = length;
  }

  /** The folding for parsing a judgement. */
  static FoldedText of(String text) {
    return of(text, false);
  }

  /** The folding with look-alike letters as their ASCII letter and without accents. */
  public static FoldedText withLookAlikes(String text) {
    return of(text, true);
  }

  private static FoldedText of(String text, boolean lookAlikes) {
    int[] points = new int[text.length()];
    int[] origins = new int[text.length() + 1];
    int length = 0;
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      int folded = fold(point);
      if (lookAlikes && folded > 127) {
        folded = LETTERS.getOrDefault(folded, base(folded));
      }
      if (folded >= 0) {
        points[length] = folded;
        origins[length++] = i;
      }
      i += Character.charCount(point);
    }
    origins[length] = text.length();
    return new FoldedText(points, Arrays.copyOf(origins, length + 1), length);
  }

  public int length() {
    return length;
  }

  /** A code point, or {@link #END} outside of the text. */
  public int at(int i) {
    return i >= 0 && i < length ? points[i] : END;
  }

  /**
   * The index in the original text at which a code point begins; its length for {@link #length()}.
   */
  public int origin(int i) {
    return origins[i];
  }

  /** Whether the word stands here, in any case; what is before and behind it is not looked at. */
  public boolean has(String word, int at) {
    for (int i = 0; i < word.length(); i++) {
      if (lower(at(at + i)) != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  public static int lower(int point) {
    return point >= 'A' && point <= 'Z' ? point | 0x20 : point;
  }

  /** Behind the last letter or digit of the word that begins here; {@code at} where none does. */
  public int endOfWord(int at) {
    int end = at;
    while (Character.isLetter(at(end))) {
      end++;
    }
    return end;
  }

  /** A word in lower case, or nothing for one longer than {@code most}. */
  public String word(int from, int to, int most) {
    return to - from > most ? "" : lowerCase(from, to);
  }

  private String lowerCase(int from, int to) {
    StringBuilder word = new StringBuilder();
    for (int i = from; i < to; i++) {
      word.appendCodePoint(Character.toLowerCase(points[i]));
    }
    return word.toString();
  }

  /** One code point of what is read for this one; negative where it is not seen at all. */
  private static int fold(int point) {
    if (point >= ' ' && point < 127) {
      return point;
    }
    switch (Character.getType(point)) {
      case Character.CONTROL:
        return isLineBreak(point) ? '\n' : Character.isWhitespace(point) ? ' ' : -1;
      case Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR:
        return '\n';
      case Character.SPACE_SEPARATOR:
        return ' ';
      case Character.FORMAT, Character.NON_SPACING_MARK, Character.ENCLOSING_MARK:
        return -1;
      case Character.DECIMAL_DIGIT_NUMBER:
        return '0' + Character.digit(point, 10);
      case Character.OTHER_NUMBER:
        return point;
      default:
        return foldSymbol(point);
    }
  }

  private static boolean isLineBreak(int point) {
    return point == '\n' || point == '\r' || point == 0x0b || point == '\f' || point == 0x85;
  }

  private static int foldSymbol(int point) {
    if (COLONS.indexOf(point) >= 0) {
      return ':';
    }
    if (EQUALS.indexOf(point) >= 0) {
      return '=';
    }
    if (SLASHES.indexOf(point) >= 0) {
      return '/';
    }
    int folded =
        switch (point) {
          case 0x3164, 0xffa0, 0x115f, 0x1160 -> -1; // Hangul fillers: letters that are not seen
          case 0x2800 -> ' '; // Braille's blank
          case 0x2212 -> '-';
          case 0x066b -> '.'; // Arabic decimal separator
          case 0x060c, 0x3001, 0xff64 -> ',';
          case 0x3002, 0xff61, 0x06d4, 0x0964, 0x0965, 0x061b -> ';';
          case 0x061f -> '?';
          case 0x2032, 0x2033, 0x00b4 -> '"';
          default -> 0;
        };
    if (folded != 0) {
      return folded;
    }
    int compatible = compatible(point);
    if (compatible < 128) {
      return compatible;
    }
    return switch (Character.getType(point)) {
      case Character.DASH_PUNCTUATION -> '-';
      case Character.INITIAL_QUOTE_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION -> '"';
      case Character.START_PUNCTUATION -> point == 0x201e || point == 0x201a ? '"' : '(';
      case Character.END_PUNCTUATION -> ')';
      default -> point;
    };
  }

  /** NFKC's one code point, or the same where NFKC has several. */
  private static int compatible(int point) {
    if (point >= 0xd800 && point <= 0xdfff) {
      return point;
    }
    String one = Character.toString(point);
    if (Normalizer.isNormalized(one, Normalizer.Form.NFKC)) {
      return point;
    }
    String normal = Normalizer.normalize(one, Normalizer.Form.NFKC);
    int first = normal.codePointAt(0);
    return normal.length() == Character.charCount(first) ? first : point;
  }

  /** The letter without accents. */
  private static int base(int point) {
    if (!Character.isLetter(point)) {
      return point;
    }
    int first =
        Normalizer.normalize(Character.toString(point), Normalizer.Form.NFKD).codePointAt(0);
    return first < 128 ? first : LETTERS.getOrDefault(first, point);
  }

  private static Map<Integer, Integer> letters() {
    Map<Integer, Integer> letters = new HashMap<>();
    for (String alike : LOOK_ALIKES) {
      alike.codePoints().skip(1).forEach(p -> letters.put(p, (int) alike.charAt(0)));
    }
    return letters;
  }
}
