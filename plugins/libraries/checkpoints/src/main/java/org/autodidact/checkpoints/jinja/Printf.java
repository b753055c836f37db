package org.autodidact.checkpoints.jinja;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code %} on texts: {@code %s}, {@code %r}, {@code %d}, {@code %x}, {@code %f}. */
final class Printf {
  private static final Pattern DIRECTIVE =
      Pattern.compile("%([-0+ ]{0,4})(\\d{0,3})(?:\\.(\\d{1,2}))?([a-zA-Z%])?");

  private Printf() {}

  static String format(String format, Object argument, Budget budget) {
    List<?> arguments = argument instanceof Tuple tuple ? tuple : java.util.Arrays.asList(argument);
    Matcher directive = DIRECTIVE.matcher(format);
    StringBuilder text = new StringBuilder();
    int used = 0;
    while (directive.find()) {
      String kind = directive.group(4);
      String shown;
      if ("%".equals(kind)) {
        shown = "%";
      } else if (used == arguments.size()) {
        throw new JinjaException("not enough arguments for '" + format + "'");
      } else {
        shown = one(directive, kind, arguments.get(used++), budget);
      }
      budget.text(shown.length());
      directive.appendReplacement(text, Matcher.quoteReplacement(shown));
    }
    boolean one = argument instanceof List && !(argument instanceof Tuple);
    if (used < arguments.size() && !one && !(argument instanceof java.util.Map)) {
      throw new JinjaException("not all arguments are used by '" + format + "'");
    }
    return directive.appendTail(text).toString();
  }

  private static String one(Matcher directive, String kind, Object value, Budget budget) {
    String flags = directive.group(1);
    String precision = directive.group(3);
    String shown;
    if ("s".equals(kind) || "r".equals(kind)) {
      shown =
          kind.equals("r") && value instanceof String text
              ? PythonText.repr(text)
              : Values.text(value, budget);
      if (precision != null) {
        int length = Math.min(PythonText.length(shown), Integer.parseInt(precision));
        shown = PythonText.slice(shown, 0, length);
      }
    } else if (Values.isNumber(value) && kind != null && "dixXf".contains(kind)) {
      shown =
          switch (kind) {
            case "f" ->
                String.format(
                    Locale.ROOT,
                    "%." + (precision == null ? 6 : Integer.parseInt(precision)) + "f",
                    Values.toDouble(value));
            case "x" -> Long.toHexString(Values.toLong(value));
            case "X" -> Long.toHexString(Values.toLong(value)).toUpperCase(Locale.ROOT);
            default -> Long.toString((long) Values.toDouble(value));
          };
      if (!shown.startsWith("-") && flags.contains("+")) {
        shown = "+" + shown;
      }
    } else {
      throw new JinjaException(
          "the format '"
              + directive.group()
              + "' of a "
              + Values.typeName(value)
              + " is not supported");
    }
    int pad = directive.group(2).isEmpty() ? 0 : Integer.parseInt(directive.group(2));
    int missing = Math.max(0, pad - PythonText.length(shown));
    if (flags.contains("-")) {
      return shown + " ".repeat(missing);
    } else if (flags.contains("0") && !"sr".contains(kind)) {
      int sign = shown.startsWith("-") || shown.startsWith("+") ? 1 : 0;
      return shown.substring(0, sign) + "0".repeat(missing) + shown.substring(sign);
    }
    return " ".repeat(missing) + shown;
  }
}
