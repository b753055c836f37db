package org.autodidact.engine.loop;

import java.util.List;
import java.util.Map;
import org.autodidact.engine.config.RunConfig;

/**
 * The positions of a prompt's candidates. Of N candidates an iterate, positions 0 to N − 1 are the
 * iterate's own, N to 2N − 1 a past iterate's, and those from 2N on a future iterate's.
 *
 * @param count N
 */
record CandidatePositions(int count) {
  static final int OWN = 0;

  static CandidatePositions of(RunConfig config) {
    return new CandidatePositions(config.candidates().count());
  }

  /** The first position of a past iterate's candidates. */
  int past() {
    return count;
  }

  /** The first position of a future iterate's candidates. */
  int future() {
    return 2 * count;
  }

  <T> List<T> own(Map<Integer, T> byPosition) {
    return between(byPosition, OWN, past());
  }

  <T> List<T> past(Map<Integer, T> byPosition) {
    return between(byPosition, past(), future());
  }

  <T> List<T> future(Map<Integer, T> byPosition) {
    return between(byPosition, future(), Integer.MAX_VALUE);
  }

  private static <T> List<T> between(Map<Integer, T> byPosition, int from, int to) {
    return byPosition.entrySet().stream()
        .filter(e -> e.getKey() >= from && e.getKey() < to)
        .map(Map.Entry::getValue)
        .toList();
  }
}
