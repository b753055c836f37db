package org.autodidact.checkpoints.jinja;

import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Python's {@code strftime} in the C locale, as glibc has it. */
final class Strftime {
  private Strftime() {}

  static String format(String format, ZonedDateTime now) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      char flag = 0;
      if ("-_0^".indexOf(directive) >= 0 && i + 1 < format.length()) {
        flag = directive;
        directive = format.charAt(++i);
      }
      text.append(flagged(directive, flag, now));
    }
    return text.toString();
  }

  private static String flagged(char directive, char flag, ZonedDateTime now) {
    String value = value(directive, now);
    if (flag == 0) {
      return value;
    } else if (flag == '^') {
      return value.toUpperCase(Locale.ROOT);
    }
    boolean spaces = "ekl".indexOf(directive) >= 0;
    if (!spaces && "dHIjmMSUwWyVG".indexOf(directive) < 0) {
      return value;
    }
    String digits = value.strip();
    int width = value.length();
    while (digits.length() > 1 && digits.startsWith("0")) {
      digits = digits.substring(1);
    }
    return switch (flag) {
      case '-' -> digits;
      case '_' -> " ".repeat(width - digits.length()) + digits;
      default -> "0".repeat(width - digits.length()) + digits;
    };
  }

  private static String value(char directive, ZonedDateTime now) {
    int hour12 = (now.getHour() + 11) % 12 + 1;
    return switch (directive) {
      case 'a' -> now.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'A' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'b', 'h' ->
          now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
      case 'B' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'c' -> format("%a %b %e %H:%M:%S %Y", now);
      case 'C' -> padded(now.getYear() / 100, 2, '0');
      case 'd' -> padded(now.getDayOfMonth(), 2, '0');
      case 'D', 'x' -> format("%m/%d/%y", now);
      case 'e' -> padded(now.getDayOfMonth(), 2, ' ');
      case 'f' -> padded(now.getNano() / 1000, 6, '0');
      case 'F' -> format("%Y-%m-%d", now);
      case 'G' -> Integer.toString(now.get(IsoFields.WEEK_BASED_YEAR));
      case 'g' -> padded(now.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, '0');
      case 'H' -> padded(now.getHour(), 2, '0');
      case 'I' -> padded(hour12, 2, '0');
      case 'j' -> padded(now.getDayOfYear(), 3, '0');
      case 'k' -> padded(now.getHour(), 2, ' ');
      case 'l' -> padded(hour12, 2, ' ');
      case 'm' -> padded(now.getMonthValue(), 2, '0');
      case 'M' -> padded(now.getMinute(), 2, '0');
      case 'n' -> "\n";
      case 'p' -> now.getHour() < 12 ? "AM" : "PM";
      case 'P' -> now.getHour() < 12 ? "am" : "pm";
      case 'r' -> format("%I:%M:%S %p", now);
      case 'R' -> format("%H:%M", now);
      case 's' -> Long.toString(now.toEpochSecond());
      case 'S' -> padded(now.getSecond(), 2, '0');
      case 't' -> "\t";
      case 'T', 'X' -> format("%H:%M:%S", now);
      case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
      case 'U' -> padded((now.getDayOfYear() + 6 - now.getDayOfWeek().getValue() % 7) / 7, 2, '0');
      case 'V' -> padded(now.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, '0');
      case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
      case 'W' ->
          padded((now.getDayOfYear() + 6 - (now.getDayOfWeek().getValue() + 6) % 7) / 7, 2, '0');
      case 'y' -> padded(now.getYear() % 100, 2, '0');
      case 'Y' -> Integer.toString(now.get(ChronoField.YEAR));
      // Python's datetime.now() knows no zone.
      case 'z', 'Z' -> "";
      case '%' -> "%";
      default ->
          throw new JinjaException("strftime_now: the directive '%" + directive + "' is not known");
    };
  }

  private static String padded(int number, int width, char with) {
    String digits = Integer.toString(number);
    return Character.toString(with).repeat(Math.max(0, width - digits.length())) + digits;
  }
}
