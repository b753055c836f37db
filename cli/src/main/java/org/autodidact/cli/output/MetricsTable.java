package org.autodidact.cli.output;

import java.util.Locale;
import java.util.Map;

/** Named numbers, a line each, and in the JSON object. */
public final class MetricsTable {
  private MetricsTable() {}

  /** Prints them; what is not defined is said so, and JSON's null. */
  public static void print(Map<String, Double> metrics, JsonReport report) {
    StringBuilder text = new StringBuilder();
    metrics.forEach(
        (name, value) -> {
          report.put(name, Double.isNaN(value) ? null : value);
          text.append(String.format(Locale.ROOT, "%-28s%s%n", name, shown(value)));
        });
    report.print(text.toString().stripTrailing());
  }

  private static String shown(double value) {
    if (Double.isNaN(value)) {
      return "not defined";
    }
    return value == Math.rint(value) && Math.abs(value) >= 2
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.4f", value);
  }
}
