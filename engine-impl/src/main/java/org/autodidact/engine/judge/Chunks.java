package org.autodidact.engine.judge;

import java.util.List;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.JudgementRequest;

/**
 * Cuts a call in parts, for judges that know a judgement only after several passes: what a part
 * found is delivered, and so stored, before the next begins.
 */
final class Chunks {
  private static final int SIZE = 64;

  private Chunks() {}

  /** Judges part after part, by {@code judge}; refuses repeated ids and what is cancelled first. */
  static void judge(
      List<JudgementRequest> all,
      Cancellation cancellation,
      Consumer<List<JudgementRequest>> judge) {
    AdditiveJudge.requireDistinct(all);
    cancellation.throwIfCancelled();
    for (int i = 0; i < all.size(); i += SIZE) {
      judge.accept(all.subList(i, Math.min(all.size(), i + SIZE)));
    }
  }
}
