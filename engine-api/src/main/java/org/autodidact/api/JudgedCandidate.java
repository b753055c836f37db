package org.autodidact.api;

import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A candidate and its judgement.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record JudgedCandidate(Candidate candidate, Judgement judgement) {
  public JudgedCandidate {
    Objects.requireNonNull(candidate, "candidate");
    Objects.requireNonNull(judgement, "judgement");
  }
}
