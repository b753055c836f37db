package org.autodidact.api;

import java.util.Locale;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Foreign text as it may be shown to a person: in an error, on a terminal, in a log. What a file, a
 * model or a user wrote can hold characters that move the cursor, colour the screen, set a window's
 * title or turn the reading direction round; here they become the words {@code \\u001b}, {@code \n}
 * and so on. It is for showing only: nothing reads it back.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public final class ShownText {
  /** Code points of one foreign text that are shown at most. */
  public static final int LENGTH = 200;

  /**
   * Characters (UTF-16) of a whole message at most: with the command line's {@code autodidact: }
   * they are 300.
   */
  public static final int MESSAGE_LENGTH = 288;

  /** The ellipsis for the part that is left out. */
  private static final String CUT = " … ";

  private ShownText() {}

  /** The text, escaped and cut after {@link #LENGTH} code points. */
  public static String of(Object text) {
    return of(text, LENGTH);
  }

  /** The text, escaped and cut after so many code points of the original, which an … then says. */
  public static String of(Object text, int codePoints) {
    String whole = String.valueOf(text);
    if (whole.codePointCount(0, whole.length()) <= codePoints) {
      return escaped(whole);
    }
    return escaped(whole.substring(0, whole.offsetByCodePoints(0, codePoints))) + "…";
  }

  /**
   * A message, escaped and at most {@link #MESSAGE_LENGTH} long: of a longer one its beginning,
   * which says what and where, and its end, which says what to do, are kept.
   */
  static String message(String message) {
    String escaped = escaped(String.valueOf(message));
    if (escaped.length() <= MESSAGE_LENGTH) {
      return escaped;
    }
    int tail = MESSAGE_LENGTH / 3;
    int begin = MESSAGE_LENGTH - CUT.length() - tail;
    int end = escaped.length() - tail;
    return escaped.substring(0, whole(escaped, begin) ? begin : begin - 1)
        + CUT
        + escaped.substring(whole(escaped, end) ? end : end + 1);
  }

  /** Whether a cut there leaves every character in one piece. */
  private static boolean whole(String text, int at) {
    return !Character.isLowSurrogate(text.charAt(at))
        || !Character.isHighSurrogate(text.charAt(at - 1));
  }

  /**
   * The whole text with escapes for controls (C0, DEL, C1), the ends of lines of Unicode, what
   * turns the direction of reading, what is invisible, and halves of characters. Escaping twice
   * changes nothing.
   */
  public static String escaped(String text) {
    StringBuilder shown = null;
    int i = 0;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      int length = Character.charCount(c);
      if (isHidden(c)) {
        if (shown == null) {
          shown = new StringBuilder(text.length() + 16).append(text, 0, i);
        }
        shown.append(
            switch (c) {
              case '\n' -> "\\n";
              case '\r' -> "\\r";
              case '\t' -> "\\t";
              default ->
                  c < 0x10000
                      ? String.format(Locale.ROOT, "\\u%04x", c)
                      : String.format(Locale.ROOT, "\\U%08x", c);
            });
      } else if (shown != null) {
        shown.appendCodePoint(c);
      }
      i += length;
    }
    return shown == null ? text : shown.toString();
  }

  /**
   * Controls; lines' and paragraphs' separators; surrogates that are alone; formatting characters,
   * which Unicode's bidirectional controls are (but for the joiners, which emoji and the scripts of
   * India and Iran are written with, and the soft hyphen).
   */
  private static boolean isHidden(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      case Character.FORMAT -> c != 0x200c && c != 0x200d && c != 0xad;
      default -> false;
    };
  }
}
