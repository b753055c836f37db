package org.autodidact.engine.judge.score;

import java.util.Optional;
import java.util.OptionalDouble;
import org.autodidact.api.JudgementSample.Unread;

/** What a judge's statement of a score says: a score on the scale, or why there is none. */
record ScoreStatement(OptionalDouble score, Optional<Unread> unread) {
  static ScoreStatement of(double score) {
    return new ScoreStatement(OptionalDouble.of(score), Optional.empty());
  }

  static ScoreStatement unread(Unread reason) {
    return new ScoreStatement(OptionalDouble.empty(), Optional.of(reason));
  }
}
