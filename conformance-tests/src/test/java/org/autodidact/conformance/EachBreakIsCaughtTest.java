package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.PromptSource;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** For each rule an implementation that breaks it alone: the rule must say so, in words. */
class EachBreakIsCaughtTest {
  /** Rules and, after a hyphen, the way in which they are broken. */
  private static final List<String> FURTHER_BREAKS =
      List.of(
          "G1-thread",
          "G2-one",
          "G8-constant",
          "G11-top-k",
          "G11-scorer",
          "G13-top-p",
          "G14-reason",
          "W1-thread",
          "W2-order",
          "J1-thread",
          "J1-late",
          "J6-begun",
          "S1-memory",
          "S5-memory",
          "T1-base",
          "T2-thread",
          "T10-none",
          "P1-ids",
          "V1-null",
          "V1-twice",
          "V2-name",
          "V6-reference");

  private static String broken = "";
  private static Map<Rule, String> exemptions = Map.of();

  @AfterEach
  void exemptNone() {
    exemptions = Map.of();
  }

  static class OnGenerator extends GeneratorRules {
    @Override
    protected Generator open() {
      return new BreakableGenerator(broken.split(" "));
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      return BreakableGenerator.CAPABILITIES;
    }

    @Override
    protected boolean isCalledByHosts() {
      return true;
    }

    @Override
    protected Map<Rule, String> exemptions() {
      return exemptions;
    }
  }

  static class OnHonestGenerator extends GeneratorRules {
    @Override
    protected Generator open() {
      return new HonestGenerator();
    }
  }

  static class OnScorer extends ScorerRules {
    @Override
    protected Generator open() {
      return new BreakableGenerator(broken);
    }
  }

  static class OnJudge extends JudgeRules {
    @Override
    protected Judge open() {
      return new BreakableJudge(broken);
    }

    @Override
    protected boolean isCalledByHosts() {
      return true;
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
    protected TrainerCapabilities capabilities() {
      return new TrainerCapabilities(
          Set.of(Loss.SFT, Loss.SIGMOID),
          Set.of(Optimizer.ADAMW, Optimizer.ADAFACTOR),
          EnumSet.of(Feature.PROBES));
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

    @Override
    protected Map<Rule, String> exemptions() {
      return exemptions;
    }
  }

  /** A trainer whose job runs on when it is cancelled, and reports from another thread. */
  static class OnJobElsewhere extends OnTrainer {
    @Override
    protected Map<Rule, String> exemptions() {
      return JOB_ELSEWHERE;
    }
  }

  static class OnSource extends PromptSourceRules {
    @Override
    protected PromptSource open() {
      int[] asked = new int[1];
      return (iteration, count) -> {
        List<Prompt> prompts = new ArrayList<>();
        for (int i = broken.equals("P1") ? 1 : 0; i < count; i++) {
          String id = iteration + "/" + (broken.equals("P1-ids") ? 0 : i);
          prompts.add(Prompt.of(id, "Say " + (broken.equals("P2") ? asked[0]++ : i)));
        }
        return prompts;
      };
    }
  }

  static class OnFilter extends PromptFilterRules {
    @Override
    protected PromptFilter create() {
      List<String> seen = new ArrayList<>();
      return text -> {
        if (broken.equals("F2") && text.isEmpty()) {
          throw new IllegalArgumentException("no text");
        }
        boolean isNew = !seen.contains(text);
        seen.add(text);
        return text.length() < 20 && (isNew || !broken.equals("F1"));
      };
    }

    @Override
    protected List<String> texts() {
      return List.of("Say a number.", "Say a number between one and twelve.");
    }
  }

  static class OnProviders extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new BreakablePlugin(broken);
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return provider instanceof JudgeProvider ? Map.of("word", "thanks") : Map.of();
    }

    @Override
    protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
      return Optional.of(new Checkpoint("M0", Path.of("model")));
    }
  }

  private static EngineExecutionResults run(Class<?> rules, String breaks) {
    broken = breaks;
    return EngineTestKit.engine("junit-jupiter").selectors(selectClass(rules)).execute();
  }

  private static Class<?> rules(String rule) {
    return switch (rule.charAt(0)) {
      case 'G' -> OnGenerator.class;
      case 'W' -> OnScorer.class;
      case 'J' -> OnJudge.class;
      case 'S' -> OnSelector.class;
      case 'T' -> OnTrainer.class;
      case 'P' -> OnSource.class;
      case 'F' -> OnFilter.class;
      default -> OnProviders.class;
    };
  }

  /** What the tests that failed said, by the number of their rule. */
  private static Map<String, Throwable> failed(EngineExecutionResults results) {
    Map<String, Throwable> failures = new LinkedHashMap<>();
    results.testEvents().failed().stream()
        .forEach(
            (Event e) -> {
              String name = e.getTestDescriptor().getDisplayName();
              failures.put(
                  name.substring(0, name.indexOf('_')),
                  e.getRequiredPayload(TestExecutionResult.class).getThrowable().orElseThrow());
            });
    return failures;
  }

  static Stream<String> breaks() {
    return Stream.concat(Stream.of(Rule.values()).map(Rule::name), FURTHER_BREAKS.stream());
  }

  @ParameterizedTest
  @MethodSource("breaks")
  void aBrokenRuleFailsByItsOwnWords(String breaks) {
    String rule = breaks.replaceFirst("-.*", "");
    Map<String, Throwable> failures = failed(run(rules(rule), breaks));
    assertThat(failures).containsKey(rule);
    assertThat(failures.get(rule).getMessage())
        .startsWith(rule + " is broken: " + Rule.valueOf(rule).text());
    assertThat(failures.values())
        .as("no test fails by a fault of the suite")
        .allSatisfy(
            failure ->
                assertThat(failure.getMessage())
                    .contains(" is broken: ", "\n  request:  ", "\n  expected: ", "\n  found:  "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"G", "W", "J", "S", "T", "P", "F", "V"})
  void noRuleFailsWhereNoneIsBroken(String family) {
    EngineExecutionResults results = run(rules(family), "none");
    assertThat(failed(results)).isEmpty();
    assertThat(results.testEvents().succeeded().count())
        .isEqualTo(Stream.of(Rule.values()).filter(r -> r.name().startsWith(family)).count());
  }

  @Test
  void aGeneratorThatIsDeafToAllButTheLastMessageIsCaught() {
    String deaf = "G8-constant G12 G13 G14 G15";
    assertThat(failed(run(OnGenerator.class, deaf)))
        .containsOnlyKeys("G8", "G12", "G13", "G14", "G15");
  }

  @Test
  void aGeneratorThatKnowsTextsAlonePasses() {
    EngineExecutionResults results = run(OnHonestGenerator.class, "none");
    assertThat(failed(results)).isEmpty();
    assertThat(results.testEvents().skipped().count() + results.testEvents().aborted().count())
        .as("G10 alone, which the engine keeps")
        .isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"T2-thread", "T4", "T8"})
  void aJobElsewhereIsExemptByName(String breaks) {
    EngineExecutionResults results = run(OnJobElsewhere.class, breaks);
    assertThat(failed(results)).isEmpty();
    assertThat(results.testEvents().aborted().count()).isEqualTo(3);
  }

  @Test
  void aJudgeOnAnotherThreadIsNamedAsThat() {
    for (String breaks : List.of("J1-thread", "J1-late")) {
      assertThat(failed(run(OnJudge.class, breaks)).get("J1"))
          .hasMessageContaining("judgement 'j")
          .hasMessageContaining("on the calling thread")
          .hasMessageContaining(breaks.equals("J1-late") ? "'a late thread'" : "'a thread of");
    }
  }

  @Test
  void aFailureNamesRequestAndResult() {
    assertThat(failed(run(OnGenerator.class, "G4")).get("G4"))
        .hasMessage(
            """
            G4 is broken: no candidate has more than SamplingParameters.maxTokens() tokens, and its \
            finish reason says truly why it ended.
              request:  prompt 'p0' [user 'Say number 0 '], seeds [7, 3, 11], max-tokens 1, \
            temperature 0.7, top-p 0.9
              expected: at most 1 tokens
              found:    seed 7: 'ao', MAX_TOKENS, 2 tokens, log-probability -6.516193076042964""");
  }

  @Test
  void anExemptRuleIsSkippedAndOneOfAnotherClassIsAnError() {
    exemptions = Map.of(Rule.G3, "told so");
    EngineExecutionResults results = run(OnGenerator.class, "G3");
    assertThat(failed(results)).isEmpty();
    assertThat(results.testEvents().aborted().count()).isEqualTo(1);
    exemptions = Map.of(Rule.T3, "of another class");
    assertThat(failed(run(OnGenerator.class, "none"))).containsKey("G1");
  }
}
