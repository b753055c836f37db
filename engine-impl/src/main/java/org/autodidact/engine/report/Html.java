package org.autodidact.engine.report;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.autodidact.api.ShownText;

/** Text that a model wrote is never taken for markup, and steers nothing that shows it. */
final class Html {
  private Html() {}

  /** A line without control characters but tabs. */
  private static String shown(String line) {
    return Arrays.stream(line.split("\t", -1))
        .map(ShownText::escaped)
        .collect(Collectors.joining("\t"));
  }

  static String text(String raw) {
    StringBuilder safe = new StringBuilder(raw.length());
    String shown = raw.lines().map(Html::shown).collect(Collectors.joining("\n"));
    for (char c : shown.toCharArray()) {
      switch (c) {
        case '&' -> safe.append("&amp;");
        case '<' -> safe.append("&lt;");
        case '>' -> safe.append("&gt;");
        case '"' -> safe.append("&quot;");
        case '\'' -> safe.append("&#39;");
        default -> safe.append(c);
      }
    }
    return safe.toString();
  }
}
