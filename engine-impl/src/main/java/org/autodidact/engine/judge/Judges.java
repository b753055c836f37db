package org.autodidact.engine.judge;

import java.util.List;
import java.util.function.Function;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;

/** What the judges share: how one is offered by name, and how it reads. */
final class Judges {
  private Judges() {}

  static JudgeProvider provider(String name, Function<JudgeContext, Judge> open) {
    return new JudgeProvider() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Judge open(JudgeContext context) {
        return open.apply(context);
      }
    };
  }

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
