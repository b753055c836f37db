package org.autodidact.engine.judge;

import java.util.List;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;

/** Helpers of the judges. */
final class Judges {
  private Judges() {}

  /** Closes all, though one fails. */
  static void close(List<Judge> judges) {
    RuntimeException failure = null;
    for (Judge judge : judges) {
      try {
        judge.close();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** The generator's scorer, without which there is no such judge. */
  static Scorer scorer(Generator generator, String judge) {
    return generator
        .scorer()
        .orElseThrow(
            () ->
                new UnsupportedModelException(
                    "the judge '"
                        + judge
                        + "' needs a generator that can score given texts, and this one cannot;"
                        + " use the judge 'additive'"));
  }
}
