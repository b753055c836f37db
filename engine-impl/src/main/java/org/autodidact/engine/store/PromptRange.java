package org.autodidact.engine.store;

import java.util.List;
import java.util.stream.IntStream;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.InvalidInputException;

/**
 * A range of an iteration's prompts, by their indices. Stages work through portions, so that what
 * they hold in memory does not grow with the number of prompts.
 *
 * @param from the first
 * @param to one beyond the last
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public record PromptRange(int from, int to) {
  /**
   * Prompts of a portion: so many that the end of a batch, where few sequences are left, costs
   * little, and so few that their candidates need some 100 MB where they are long.
   */
  public static final int PORTION = 1024;

  /** Every prompt there is. */
  public static final PromptRange ALL = new PromptRange(0, Integer.MAX_VALUE);

  public PromptRange {
    if (from < 0 || to < from) {
      throw new InvalidInputException("prompts " + from + " to " + to + " are no range");
    }
  }

  /** All of {@code count} prompts, a portion at a time. */
  public static List<PromptRange> portions(int count) {
    return IntStream.iterate(0, from -> from < count, from -> from + PORTION)
        .mapToObj(from -> new PromptRange(from, Math.min(count, from + PORTION)))
        .toList();
  }
}
