package org.autodidact.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.JudgeRules;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.plugins.Plugins;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** All judges over the real generator, found by name as the command line finds them. */
class RealJudgeRulesTest {
  @TempDir static Path folder;
  private static Plugins plugins;
  private static Generator generator;

  @BeforeAll
  static void open() {
    plugins = Autodidact.builder().build().plugins();
    generator =
        plugins
            .generator("onnxruntime")
            .open(
                new Checkpoint("M0", TinyModel.write(folder.resolve("tiny"), 5)),
                ComputeSettings.automatic());
  }

  @AfterAll
  static void close() {
    generator.close();
  }

  private static Judge judge(String name, String... members) {
    return plugins.openJudge(
        name,
        List.of(members),
        new JudgeContext(
            generator,
            new SamplingParameters(8, 0.7, 0, 0.9, 0, 1, List.of(), false),
            List.of("additive", "expected-score", "justified-score").contains(name)
                ? Optional.of("{instruction} {response} Score: ")
                : Optional.empty()));
  }

  @Nested
  class Additive extends JudgeRules {
    @Override
    protected Judge open() {
      return judge("additive");
    }
  }

  @Nested
  class ExpectedScore extends JudgeRules {
    @Override
    protected Judge open() {
      return judge("expected-score");
    }
  }

  @Nested
  class JustifiedScore extends JudgeRules {
    @Override
    protected Judge open() {
      return judge("justified-score");
    }
  }

  @Nested
  class Pairwise extends JudgeRules {
    @Override
    protected Judge open() {
      return judge("pairwise");
    }
  }

  @Nested
  class Ensemble extends JudgeRules {
    @Override
    protected Judge open() {
      return judge("ensemble", "expected-score", "pairwise");
    }
  }

  @Nested
  class Meta extends JudgeRules {
    @Override
    protected Judge open() {
      return judge("meta", "additive");
    }
  }
}
