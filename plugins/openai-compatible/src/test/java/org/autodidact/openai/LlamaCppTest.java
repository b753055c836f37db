package org.autodidact.openai;

import java.time.Clock;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;
import org.autodidact.conformance.GeneratorRules;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * The rules of a generator over llama.cpp's own server, where {@code scripts/serve-llama-cpp.sh}
 * has started one.
 */
@EnabledIfEnvironmentVariable(
    named = "AUTODIDACT_LLAMA_CPP_URL",
    matches = ".+",
    disabledReason = "no server of llama.cpp is named; see scripts/serve-llama-cpp.sh")
class LlamaCppTest extends GeneratorRules {
  @Override
  protected Generator open() {
    return new RemoteProvider(ServerKind.LLAMA_CPP)
        .open(
            new GeneratorContext(
                Checkpoint.reference("M0", "smollm2"),
                ComputeSettings.automatic(),
                PartOptions.of(
                    Map.of("url", System.getenv("AUTODIDACT_LLAMA_CPP_URL"), "concurrency", "4")),
                Clock.systemDefaultZone(),
                new Cancellation()));
  }

  @Override
  protected Set<GeneratorCapability> capabilities() {
    return ServerKind.LLAMA_CPP.capabilities();
  }
}
