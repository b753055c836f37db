package org.autodidact.engine.pairs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.OptionalDouble;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.SelectionRequest;
import org.autodidact.conformance.PairSelectorRules;
import org.junit.jupiter.api.Test;

class MaxMinPairSelectorTest extends PairSelectorRules {
  @Override
  protected PairSelector create() {
    return new MaxMinPairSelector();
  }

  @Test
  void s0_theHighestAgainstTheLowestTheFirstOfEquals() {
    PreferencePair pair =
        create()
            .select(
                new SelectionRequest(
                    Prompt.of("p", "Say."),
                    List.of(
                        candidate(0, "a", OptionalDouble.of(2)),
                        candidate(1, "b", OptionalDouble.of(5)),
                        candidate(2, "c", OptionalDouble.of(1)),
                        candidate(3, "d", OptionalDouble.of(5)),
                        candidate(4, "e", OptionalDouble.of(1)))))
            .orElseThrow();
    assertThat(pair.chosen().candidate().text()).isEqualTo("b");
    assertThat(pair.rejected().candidate().text()).isEqualTo("c");
  }
}
