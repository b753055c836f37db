package org.autodidact.engine.judge;

import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.Judge.Scale;

/** Reads the score out of a written judgement. */
final class ScoreText {
  private static final Pattern SCORE =
      Pattern.compile(
          "score\\s*:[\\s*<]*(\\d{1,3}(?:\\.\\d{1,4})?)(?![\\d.]*\\d)", Pattern.CASE_INSENSITIVE);

  private ScoreText() {}

  /** The number after the last {@code Score:}, where it lies on the scale. */
  static OptionalDouble parse(String judgement, Scale scale) {
    OptionalDouble found = OptionalDouble.empty();
    Matcher matcher = SCORE.matcher(judgement);
    while (matcher.find()) {
      double score = Double.parseDouble(matcher.group(1));
      found =
          score >= scale.lowest() && score <= scale.highest()
              ? OptionalDouble.of(score)
              : OptionalDouble.empty();
    }
    return found;
  }
}
