package org.autodidact.engine.guards;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.autodidact.engine.config.RunConfig;

/**
 * Compares the metrics of an iterate with those of M1, and reports the limits that it exceeds.
 *
 * <ul>
 *   <li>{@code score-inflation}: points by which its mean score of itself lies above M1's of itself
 *   <li>{@code length-growth}: its candidates' mean tokens, as a multiple of M1's
 *   <li>{@code self-similarity}, {@code agreement}, {@code parse-failures}, {@code named-scores}:
 *       as in {@link IterateMetrics}; {@code agreement} is the least allowed, the others the most
 * </ul>
 */
public final class DriftLimits {
  private final Map<String, Double> first;
  private final Map<String, Double> now;

  /** M1's metrics and the iterate's. */
  public DriftLimits(Map<String, Double> first, Map<String, Double> now) {
    this.first = first;
    this.now = now;
  }

  /** A line for each limit that the iterate exceeds; it begins with the limit's name. */
  public List<String> exceeded(RunConfig.Limits limits) {
    List<String> found = new ArrayList<>();
    above(found, "score-inflation", inflation(), limits.scoreInflation());
    above(found, "length-growth", growth(), limits.lengthGrowth());
    above(found, "self-similarity", value("self-similarity"), limits.selfSimilarity());
    above(found, "parse-failures", value("parse-failures"), limits.parseFailures());
    above(found, "named-scores", value("named-scores"), limits.namedScores());
    Optional<Double> agreement = value("agreement");
    if (limits.agreement().isPresent()
        && agreement.isPresent()
        && agreement.get() < limits.agreement().get()) {
      found.add(line("agreement", agreement.get(), "below", limits.agreement().get()));
    }
    return found;
  }

  private static void above(
      List<String> found, String name, Optional<Double> value, Optional<Double> limit) {
    if (limit.isPresent() && value.isPresent() && value.get() > limit.get()) {
      found.add(line(name, value.get(), "above", limit.get()));
    }
  }

  private static String line(String name, double value, String where, double limit) {
    return String.format(Locale.ROOT, "%s is %.3f, %s the limit %.3f", name, value, where, limit);
  }

  private Optional<Double> value(String name) {
    return Optional.ofNullable(now.get(name));
  }

  private Optional<Double> inflation() {
    Double before = first.get("mean-score");
    return value("mean-score").filter(v -> before != null).map(v -> v - before);
  }

  private Optional<Double> growth() {
    Double before = first.get("mean-tokens");
    return value("mean-tokens").filter(v -> before != null && before > 0).map(v -> v / before);
  }
}
