package org.autodidact.api;

import java.util.Objects;

/** A candidate and its judgement. */
public record JudgedCandidate(Candidate candidate, Judgement judgement) {
  public JudgedCandidate {
    Objects.requireNonNull(candidate, "candidate");
    Objects.requireNonNull(judgement, "judgement");
  }
}
