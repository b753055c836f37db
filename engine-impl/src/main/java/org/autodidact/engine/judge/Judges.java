package org.autodidact.engine.judge;

import java.util.function.Function;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.JudgeProvider.JudgeContext;

/** What the judges share: how one is offered by name. */
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
}
