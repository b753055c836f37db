package org.autodidact.api;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One sampled judgement of an answer.
 *
 * @param score points on the scale of the judge, or empty where none could be parsed
 * @param text what the judge wrote; empty for judges that do not write
 * @param position where the answer stood in the judge prompt
 * @param parseFailure why no score could be parsed; empty where there is a score, and where the
 *     judge does not say
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record JudgementSample(
    OptionalDouble score, String text, Position position, Optional<ParseFailure> parseFailure) {
  public JudgementSample {
    Objects.requireNonNull(score, "score");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(position, "position");
    if (parseFailure.isPresent() && score.isPresent()) {
      throw new InvalidInputException(
          "a judgement's sample has the score "
              + score.getAsDouble()
              + " and a reason why there is none, "
              + parseFailure.get());
    }
  }

  /** A sample without a reason for having no score. */
  public JudgementSample(OptionalDouble score, String text, Position position) {
    this(score, text, position, Optional.empty());
  }

  /** A sample on an answer that was judged alone. */
  public JudgementSample(OptionalDouble score, String text) {
    this(score, text, Position.ALONE);
  }

  /**
   * Where an answer stands in the judge prompt. A pairwise judge shows each pair in both orders.
   */
  public enum Position {
    /** No other answer was shown. */
    ALONE,
    /** Before the answer that it was compared with. */
    FIRST,
    /** After the answer that it was compared with. */
    SECOND
  }

  /** Why a written judgement has no score. The texts in brackets are examples. */
  public enum ParseFailure {
    /** It never states a score of its own [A good answer.]. */
    NO_STATEMENT,
    /** It was cut off before its statement was complete [Score:], or before there was one. */
    CUT_OFF,
    /** The number stated is not on the scale [Score: 10]. */
    OFF_SCALE,
    /** The number stated is on another scale [Score: 4/10]. */
    OTHER_DENOMINATOR,
    /** The statement is not a single number [Score: 3 to 4]. */
    AMBIGUOUS
  }
}
