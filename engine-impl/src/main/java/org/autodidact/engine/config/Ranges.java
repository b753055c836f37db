package org.autodidact.engine.config;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;

/**
 * How large the numbers of a run and of the command line may be: beyond what anyone has used, and
 * small enough that what they multiply to can be counted and kept. A mistyped number is refused
 * before work, not found by a full memory.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class Ranges {
  /** Tokens of a text; the longest contexts have 1e6 to 1e7. */
  public static final int TOKENS = 1 << 20;

  /** Candidates of a prompt, or judgements of a candidate. */
  public static final int SAMPLES = 10_000;

  static final int ITERATIONS = 1_000;
  static final int PROMPTS = 1_000_000;
  static final int THREADS = 4_096;

  /** MiB: 16 TiB. */
  static final int MEMORY = 1 << 24;

  private Ranges() {}

  /** The value, which is between both; null where it is null. */
  public static Integer whole(String key, Integer value, int least, int most) {
    if (value != null && (value < least || value > most)) {
      throw new InvalidInputException(
          (key.startsWith("--") ? key : "the key '" + key + "'")
              + " must be at least "
              + least
              + " and at most "
              + most
              + ", found "
              + value);
    }
    return value;
  }

  /** The value, a number with a fraction, which is between both; null where it is null. */
  static Double number(String key, Double value, double least, double most) {
    if (value != null && !(value >= least && value <= most)) {
      throw new InvalidInputException(
          "the key '"
              + key
              + "' must be at least "
              + shown(least)
              + " and at most "
              + shown(most)
              + ", found "
              + value);
    }
    return value;
  }

  private static String shown(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e7
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /** Refuses counts whose product is beyond 2^31 - 1. */
  static void product(String key, int value, String other, int by) {
    if ((long) value * by > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          key
              + " times "
              + other
              + " is "
              + (long) value * by
              + ", more than fits; lower one of them");
    }
  }

  /** Texts of a list: not too many or too long, and none that is empty. */
  static List<String> texts(String key, List<String> values, int most, int length) {
    Objects.requireNonNull(values, key);
    if (values.size() > most) {
      throw new InvalidInputException(
          "the key '" + key + "' must have at most " + most + " texts, found " + values.size());
    }
    for (String value : values) {
      if (value.isEmpty() || value.length() > length) {
        throw new InvalidInputException(
            "the key '"
                + key
                + "' must have texts of 1 to "
                + length
                + " characters, found "
                + (value.isEmpty() ? "an empty one" : "'" + ShownText.of(value, 40) + "'"));
      }
    }
    return List.copyOf(values);
  }

  /** Runs a check of a section, whose message then names it. */
  static void section(String name, Runnable check) {
    try {
      check.run();
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          e.getMessage().contains(name) ? e.getMessage() : name + ": " + e.getMessage(), e);
    }
  }
}
