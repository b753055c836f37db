package org.autodidact.engine.report;

/** Text that a model wrote is never taken for markup. */
final class Html {
  private Html() {}

  static String text(String raw) {
    StringBuilder safe = new StringBuilder(raw.length());
    for (char c : raw.toCharArray()) {
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
