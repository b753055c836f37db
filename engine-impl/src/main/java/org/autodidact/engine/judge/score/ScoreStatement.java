package org.autodidact.engine.judge.score;

import java.util.Optional;
import java.util.OptionalDouble;
import org.autodidact.api.JudgementSample.ParseFailure;

/** The parsed statement of a score: a score on the scale, or the reason why there is none. */
record ScoreStatement(OptionalDouble score, Optional<ParseFailure> parseFailure) {
  static ScoreStatement of(double score) {
    return new ScoreStatement(OptionalDouble.of(score), Optional.empty());
  }

  static ScoreStatement failure(ParseFailure reason) {
    return new ScoreStatement(OptionalDouble.empty(), Optional.of(reason));
  }
}
