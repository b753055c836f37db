package org.autodidact.api;

import java.util.Objects;
import java.util.OptionalDouble;

/**
 * One opinion.
 *
 * @param score the points given, or empty where no score could be read
 * @param text what the judge wrote, empty for judges that do not write
 */
public record JudgementSample(OptionalDouble score, String text) {
  public JudgementSample {
    Objects.requireNonNull(score, "score");
    Objects.requireNonNull(text, "text");
  }
}
