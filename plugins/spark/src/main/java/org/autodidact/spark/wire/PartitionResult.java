package org.autodidact.spark.wire;

import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;

/**
 * What a task answers: what was finished, what it asked of servers, and why no more was finished.
 *
 * @param results by {@link Wire}, in the order in which they were finished
 * @param requests as in {@link org.autodidact.api.Usage}
 * @param tokensIn as in {@link org.autodidact.api.Usage}
 * @param tokensOut as in {@link org.autodidact.api.Usage}
 * @param failure which every executor would meet, so that Spark should not try again
 */
public record PartitionResult(
    byte[][] results, long requests, long tokensIn, long tokensOut, Failure failure)
    implements Serializable {

  /** A failure, in the words of the generator. */
  public record Failure(Kind kind, String message) implements Serializable {
    /** All was finished. */
    public static final Failure NONE = new Failure(Kind.NONE, "");

    /** Whose fault it is. */
    public enum Kind {
      NONE,
      INPUT,
      MODEL
    }

    /** The failure as it is reported, where it is one that does not depend on the executor. */
    public static Optional<Failure> of(AutodidactException e) {
      if (e instanceof UnsupportedModelException) {
        return Optional.of(new Failure(Kind.MODEL, e.getMessage()));
      }
      return e instanceof InvalidInputException
          ? Optional.of(new Failure(Kind.INPUT, e.getMessage()))
          : Optional.empty();
    }

    /** The exception that the generator threw. */
    public AutodidactException exception() {
      return kind == Kind.MODEL
          ? new UnsupportedModelException(message)
          : new InvalidInputException(message);
    }
  }

  /** The results, in order. */
  public List<byte[]> list() {
    return List.of(results);
  }
}
