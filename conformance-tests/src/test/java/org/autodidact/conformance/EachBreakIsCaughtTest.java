package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.PairSelector;
import org.autodidact.api.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;

/** For each rule an implementation that breaks it alone: the rule must say so. */
class EachBreakIsCaughtTest {
  private static String broken = "";
  private static Map<String, String> exemptions = Map.of();

  static class OnGenerator extends GeneratorRules {
    @Override
    protected Generator open() {
      return new BreakableGenerator(broken);
    }

    @Override
    protected Map<String, String> exemptions() {
      return exemptions;
    }
  }

  static class OnJudge extends JudgeRules {
    @Override
    protected Judge open() {
      return new BreakableJudge(broken);
    }
  }

  static class OnSelector extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return new BreakableSelector(broken);
    }
  }

  static class OnTrainer extends TrainerRules {
    @Override
    protected Trainer create() {
      return new BreakableTrainer(broken);
    }

    @Override
    protected void writeBase(Path newFolder) {
      double[] weights = new double[BreakableTrainer.LETTERS];
      weights[0] = 0.5;
      BreakableTrainer.write(newFolder, weights);
    }

    @Override
    protected float[] weights(Path checkpoint) {
      double[] read = BreakableTrainer.read(checkpoint);
      float[] weights = new float[read.length];
      for (int i = 0; i < read.length; i++) {
        weights[i] = (float) read[i];
      }
      return weights;
    }
  }

  private static EngineExecutionResults run(String rule) {
    broken = rule;
    Class<?> rules =
        switch (rule.charAt(0)) {
          case 'G' -> OnGenerator.class;
          case 'J' -> OnJudge.class;
          case 'S' -> OnSelector.class;
          default -> OnTrainer.class;
        };
    return EngineTestKit.engine("junit-jupiter").selectors(selectClass(rules)).execute();
  }

  private static Set<String> failed(EngineExecutionResults results) {
    return results.testEvents().failed().stream()
        .map(e -> e.getTestDescriptor().getDisplayName())
        .map(name -> name.substring(0, name.indexOf('_')))
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "J1", "J2", "J3", "J4", "J5",
        "J6", "J7", "S1", "S2", "S3", "S4", "S5", "S6", "T1", "T2", "T3", "T4", "T5", "T6", "T7",
        "T8", "T9", "T10", "T11"
      })
  void aBrokenRuleFails(String rule) {
    assertThat(failed(run(rule))).contains(rule);
  }

  @ParameterizedTest
  @ValueSource(strings = {"G", "J", "S", "T"})
  void noRuleFailsWhereNoneIsBroken(String family) {
    EngineExecutionResults results = run(family);
    assertThat(failed(results)).isEmpty();
    assertThat(results.testEvents().succeeded().count()).isGreaterThanOrEqualTo(6);
  }

  @Test
  void anExemptRuleIsSkippedAndAnUnknownOneIsAnError() {
    try {
      exemptions = Map.of("G3", "told so");
      EngineExecutionResults results = run("G3");
      assertThat(failed(results)).doesNotContain("G3");
      assertThat(results.testEvents().aborted().count()).isEqualTo(1);
      exemptions = Map.of("G77", "there is no such rule");
      assertThat(failed(run("G"))).contains("G1");
    } finally {
      exemptions = Map.of();
    }
  }
}
