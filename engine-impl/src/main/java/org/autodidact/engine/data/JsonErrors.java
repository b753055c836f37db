package org.autodidact.engine.data;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.ShownText;

/** Errors of JSON texts, in words that need no knowledge of the parser. */
public final class JsonErrors {
  private record Phrase(Pattern said, String ours) {
    Phrase(String said, String ours) {
      this(Pattern.compile(said, Pattern.DOTALL), ours);
    }
  }

  private static final List<Phrase> PHRASES =
      List.of(
          new Phrase("^Unexpected end-of-input.*", "it is cut off"),
          new Phrase("^Unexpected close marker '(.)'.*", "'%s' closes what was not opened"),
          new Phrase("^Unexpected character \\((.*) \\(code .*", "unexpected character %s"),
          new Phrase("^Non-standard token '(.*?)'.*", "%s is no JSON; write null, or drop the key"),
          new Phrase("^Unrecognized token '(.*?)'.*", "'%s' is no JSON value"),
          new Phrase(
              "^Duplicate (?:field|property|Object property) \"?'?(.*?)'?\"?$",
              "the key '%s' is given twice"),
          new Phrase("^Trailing token.*", "more than one value; one object a line is read"),
          new Phrase(
              "^Document nesting depth \\(.*\\) exceeds the maximum allowed \\((\\d+).*",
              "nested more than %s deep"),
          new Phrase(
              "^String value length \\(.*\\) exceeds the maximum allowed \\((\\d+).*",
              "a text of more than %s characters"),
          new Phrase(
              "^Number value length \\(.*\\) exceeds the maximum allowed \\((\\d+).*",
              "a number of more than %s digits"),
          new Phrase(
              "^.*[Nn]ame (?:value )?length \\(.*\\) exceeds the maximum allowed \\((\\d+).*",
              "a key of more than %s characters"),
          new Phrase("^BigDecimal scale \\(.*", "a number beyond any range"),
          new Phrase(
              "^Illegal unquoted character.*",
              "a control character in a text; write it as \\\\u00.."),
          new Phrase("^Illegal character.*", "a control character between values"),
          new Phrase(
              "^Unrecognized character escape (?:'?(.*?)'? )?\\(code.*",
              "an escape that JSON does not have: %s"),
          new Phrase(
              "^Unexpected .*? in character escape sequence.*",
              "an escape that JSON does not have"),
          new Phrase(
              "^(?:Invalid numeric value: )?Leading zeroes.*", "a number that begins with 0"),
          new Phrase("^Invalid numeric value.*", "a number that is not written as JSON's"));

  private JsonErrors() {}

  /** One phrase, and the column where it is known. */
  public static String said(JsonProcessingException e) {
    String message = withAsciiDigits(String.valueOf(e.getOriginalMessage()));
    String found = "it cannot be parsed";
    for (Phrase phrase : PHRASES) {
      Matcher matcher = phrase.said().matcher(message);
      if (matcher.matches()) {
        String what = matcher.groupCount() == 0 || matcher.group(1) == null ? "" : matcher.group(1);
        found = String.format(Locale.ROOT, phrase.ours(), ShownText.of(what, 40));
        break;
      }
    }
    JsonLocation at = e.getLocation();
    return at == null || at.getColumnNr() < 1
        ? found
        : found + " (column " + at.getColumnNr() + ")";
  }

  /** Jackson writes its limits in the digits of the machine's locale. */
  private static String withAsciiDigits(String message) {
    StringBuilder text = new StringBuilder();
    message
        .codePoints()
        .forEach(
            c -> text.appendCodePoint(Character.isDigit(c) ? '0' + Character.digit(c, 10) : c));
    return text.toString();
  }
}
