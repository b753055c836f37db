package org.autodidact.openai;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.conformance.GeneratorRules;
import org.autodidact.conformance.ProviderRules;
import org.autodidact.conformance.ScorerRules;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;

/** All rules, over a server that is slow but whole. */
class RulesTest {
  private final StubServer stub = new StubServer();

  @AfterEach
  void stop() {
    stub.close();
  }

  private abstract class Rules extends GeneratorRules {
    private final ServerKind kind;

    Rules(ServerKind kind) {
      this.kind = kind;
    }

    @Override
    protected Generator open() {
      stub.slow = 2;
      return Opened.open(kind, stub);
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      return kind.capabilities();
    }

    @Override
    protected boolean isCalledByHosts() {
      return true;
    }
  }

  @Nested
  class AnyServer extends Rules {
    AnyServer() {
      super(ServerKind.OTHER);
    }
  }

  @Nested
  class Vllm extends Rules {
    Vllm() {
      super(ServerKind.VLLM);
    }
  }

  @Nested
  class Sglang extends Rules {
    Sglang() {
      super(ServerKind.SGLANG);
    }
  }

  @Nested
  class LlamaCpp extends Rules {
    LlamaCpp() {
      super(ServerKind.LLAMA_CPP);
    }
  }

  @Nested
  class VllmScorer extends ScorerRules {
    @Override
    protected Generator open() {
      return Opened.open(ServerKind.VLLM, stub);
    }
  }

  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new OpenAiPlugin();
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return Map.of("url", stub.url(), "key", "${PATH}", "retries", "1");
    }

    @Override
    protected Optional<Checkpoint> checkpoint(GeneratorProvider provider) {
      return Optional.of(Checkpoint.reference("M0", StubServer.MODEL));
    }
  }
}
