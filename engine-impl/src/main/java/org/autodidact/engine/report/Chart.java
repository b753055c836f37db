package org.autodidact.engine.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Charts as inline SVG, drawn in the page's own colours so that they are good in light and dark;
 * each says in words what it shows, for those who cannot see it.
 */
final class Chart {
  private static final MathContext DIGITS = new MathContext(4);
  private static final int WIDTH = 320;
  private static final int HEIGHT = 180;
  private static final int LEFT = 54;
  private static final int RIGHT = 8;
  private static final int TOP = 10;
  private static final int BOTTOM = 26;

  private final StringBuilder svg = new StringBuilder();
  private final double low;
  private final double high;

  private Chart(String title, String words, double low, double high) {
    this.low = low;
    this.high = high > low ? high : low + 1;
    svg.append(
            String.format(
                Locale.ROOT,
                "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
                Html.text(title),
                WIDTH,
                HEIGHT,
                Html.text(title + ": " + words)))
        .append('\n');
    for (int i = 0; i <= 2; i++) {
      double value = this.low + (this.high - this.low) * i / 2;
      line("grid", LEFT, y(value), WIDTH - RIGHT, y(value));
      label(LEFT - 4, y(value) + 4, "end", number(value));
    }
  }

  /**
   * A value of each group.
   *
   * @param errors half a bar above and below a value, or empty
   */
  static String points(
      String title, List<String> groups, List<Double> values, List<Double> errors) {
    StringBuilder words = new StringBuilder();
    double[] reach = new double[2 * values.size()];
    for (int i = 0; i < values.size(); i++) {
      double error = errors.isEmpty() ? 0 : errors.get(i);
      reach[2 * i] = values.get(i) - error;
      reach[2 * i + 1] = values.get(i) + error;
      words.append(groups.get(i)).append(' ').append(number(values.get(i)));
      words.append(errors.isEmpty() ? "" : " plus or minus " + number(error)).append("; ");
    }
    double span = Math.max(1e-9, max(reach) - min(reach));
    Chart chart = new Chart(title, words.toString(), min(reach) - span / 5, max(reach) + span / 5);
    double previous = Double.NaN;
    for (int i = 0; i < values.size(); i++) {
      double x = chart.x(i, values.size());
      double y = chart.y(values.get(i));
      if (i > 0) {
        chart.line("path", chart.x(i - 1, values.size()), previous, x, y);
      }
      if (!errors.isEmpty()) {
        double error = errors.get(i);
        chart.line("bar", x, chart.y(values.get(i) - error), x, chart.y(values.get(i) + error));
      }
      chart.svg.append(
          String.format(
              Locale.ROOT, "<circle cx=\"%s\" cy=\"%s\" r=\"4\"/>", number(x), number(y)));
      chart.label(x, HEIGHT - 8, "middle", groups.get(i));
      previous = y;
    }
    return chart.end();
  }

  /** Values over steps. */
  static String line(String title, List<Double> values) {
    double[] all = values.stream().mapToDouble(v -> v).toArray();
    Chart chart =
        new Chart(
            title,
            String.format(
                Locale.ROOT,
                "%d steps, from %s to %s",
                all.length,
                number(all[0]),
                number(all[all.length - 1])),
            min(all),
            max(all));
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < all.length; i++) {
      points.append(number(chart.x(i, all.length))).append(',').append(number(chart.y(all[i])));
      points.append(' ');
    }
    chart.svg.append("<polyline class=\"path\" points=\"").append(points).append("\"/>");
    chart.label(LEFT, HEIGHT - 8, "start", "step 1");
    chart.label(WIDTH - RIGHT, HEIGHT - 8, "end", Integer.toString(all.length));
    return chart.end();
  }

  /** A histogram: a bar a bin. */
  static String histogram(String title, List<String> bins, List<Integer> counts) {
    int most = counts.stream().mapToInt(c -> c).max().orElse(0);
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < bins.size(); i++) {
      words.append(counts.get(i)).append(" times ").append(bins.get(i)).append("; ");
    }
    Chart chart = new Chart(title, words.toString(), 0, Math.max(1, most));
    double width = (WIDTH - LEFT - RIGHT) / (double) bins.size() * 0.7;
    for (int i = 0; i < bins.size(); i++) {
      double x = chart.x(i, bins.size());
      double y = chart.y(counts.get(i));
      chart.svg.append(
          String.format(
              Locale.ROOT,
              "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>",
              number(x - width / 2),
              number(y),
              number(width),
              number(chart.y(0) - y)));
      chart.label(x, HEIGHT - 8, "middle", bins.get(i));
    }
    return chart.end();
  }

  private double x(int index, int count) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / count;
  }

  private double y(double value) {
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  }

  private void line(String kind, double x1, double y1, double x2, double y2) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>",
            kind,
            number(x1),
            number(y1),
            number(x2),
            number(y2)));
  }

  private void label(double x, double y, String anchor, String text) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>",
            number(x),
            number(y),
            anchor,
            Html.text(text)));
  }

  private String end() {
    return svg.append("</svg></figure>\n").toString();
  }

  private static double min(double[] values) {
    return DoubleStream.of(values).min().orElse(0);
  }

  private static double max(double[] values) {
    return DoubleStream.of(values).max().orElse(1);
  }

  /** Four significant digits, without trailing zeros. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "none";
    }
    if (value != 0 && Math.abs(value) < 1e-3) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    return Math.abs(value) >= 100
        ? String.format(Locale.ROOT, "%.0f", value)
        : new BigDecimal(value).round(DIGITS).stripTrailingZeros().toPlainString();
  }
}
