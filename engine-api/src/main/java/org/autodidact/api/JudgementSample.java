package org.autodidact.api;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One opinion.
 *
 * @param score the points given, or empty where no score could be read
 * @param text what the judge wrote, empty for judges that do not write
 * @param shown where the answer stood when the judge saw it
 * @param unread why there is no score; empty where there is one, and where the judge does not say
 */
public record JudgementSample(
    OptionalDouble score, String text, Shown shown, Optional<Unread> unread) {
  public JudgementSample {
    Objects.requireNonNull(score, "score");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(shown, "shown");
    if (unread.isPresent() && score.isPresent()) {
      throw new InvalidInputException(
          "a judgement's sample has the score "
              + score.getAsDouble()
              + " and a reason why there is none, "
              + unread.get());
    }
  }

  /** An opinion without a reason for having no score. */
  public JudgementSample(OptionalDouble score, String text, Shown shown) {
    this(score, text, shown, Optional.empty());
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

  /** Why a written judgement has no score. The texts in brackets are examples. */
  public enum Unread {
    /** It never states a score of its own [A good answer.]. */
    NO_STATEMENT,
    /** It was cut off before its statement was complete [Score:], or before there was one. */
    CUT_OFF,
    /** The number stated is not on the scale [Score: 10]. */
    OFF_SCALE,
    /** The number stated is on another scale [Score: 4/10]. */
    OTHER_DENOMINATOR,
    /** What is stated is no one number [Score: 3 to 4]. */
    AMBIGUOUS
  }
}
