package org.autodidact.api;

import java.util.Objects;
import java.util.OptionalDouble;

/**
 * One opinion.
 *
 * @param score the points given, or empty where no score could be read
 * @param text what the judge wrote, empty for judges that do not write
 * @param shown where the answer stood when the judge saw it
 */
public record JudgementSample(OptionalDouble score, String text, Shown shown) {
  public JudgementSample {
    Objects.requireNonNull(score, "score");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(shown, "shown");
  }

  /** An opinion on an answer that was seen alone. */
  public JudgementSample(OptionalDouble score, String text) {
    this(score, text, Shown.ALONE);
  }

  /** Where an answer stands before a judge. A judge that compares shows each pair both ways. */
  public enum Shown {
    /** No other answer was shown. */
    ALONE,
    /** Before the answer that it was compared with. */
    FIRST,
    /** After the answer that it was compared with. */
    SECOND
  }
}
