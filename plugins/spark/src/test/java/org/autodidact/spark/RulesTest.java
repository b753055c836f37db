package org.autodidact.spark;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.conformance.ScorerRules;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** All rules, where the driver's process is the executor. */
class RulesTest {
  @TempDir static Path folder;
  private static SparkContext spark;

  @BeforeAll
  static void start() {
    TinyModel.write(folder.resolve("tiny"), 5);
    spark = Sparks.local();
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static Generator opened() {
    return Sparks.open("onnxruntime", folder.resolve("tiny"), Precision.AUTO);
  }

  @Nested
  class GeneratorOnSpark extends GeneratorRules {
    @Override
    protected Generator open() {
      return opened();
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      return Sparks.provider("onnxruntime").capabilities();
    }

    @Override
    protected boolean isCalledByHosts() {
      return true;
    }
  }

  @Nested
  class ScorerOnSpark extends ScorerRules {
    @Override
    protected Generator open() {
      return opened();
    }
  }

  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new Plugin() {
        @Override
        public String name() {
          return "spark";
        }

        @Override
        public List<GeneratorProvider> generators() {
          return List.of(Sparks.provider("onnxruntime"));
        }
      };
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return Map.of("master", "local[2]", "partitions", "3");
    }

    @Override
    protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
      return Optional.of(new Checkpoint("M0", folder.resolve("tiny")));
    }
  }
}
