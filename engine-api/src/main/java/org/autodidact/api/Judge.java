package org.autodidact.api;

import java.util.List;
import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Scores answers. An instance is used by one thread at a time.
 *
 * <p>A judge opened over a {@link Generator} does not own it: closing the judge leaves the
 * generator open.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface Judge extends AutoCloseable {

  /**
   * Judges every request.
   *
   * <ul>
   *   <li>J1: each request gives exactly one {@link Judgement} with its id, handed to {@code
   *       results} on the calling thread.
   *   <li>J2: a score is finite and within {@link #scale()}.
   *   <li>J3: the score is the mean of the samples that have one, and empty where none has.
   *   <li>J4: a judgement depends on its own request only, never on the others of the call.
   *   <li>J5: an empty response is judged, not refused.
   *   <li>J6: once {@code cancellation} is set the call ends with {@link CancelledException}.
   *   <li>J7: two requests with the same id are refused before anything is judged. The engine does
   *       so itself; a judge that a host calls alone should.
   * </ul>
   */
  void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation);

  /** The range of the scores. */
  default Scale scale() {
    return Scale.FIVE_POINTS;
  }

  @Override
  void close();

  /** Lowest and highest score, both possible. */
  record Scale(double lowest, double highest) {
    /** The paper's additive 5-point scale, from 0. */
    public static final Scale FIVE_POINTS = new Scale(0, 5);

    public Scale {
      if (!(lowest < highest && Double.isFinite(highest - lowest))) {
        throw new InvalidInputException(
            "a scale goes from a finite number to a higher one, found "
                + lowest
                + " to "
                + highest);
      }
    }

    /** Points between the lowest and the highest. */
    public double width() {
      return highest - lowest;
    }
  }
}
