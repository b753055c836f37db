package org.autodidact.openai;

import java.nio.file.Path;
import java.util.EnumSet;
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
import org.junit.jupiter.api.io.TempDir;

/** All rules, over a server that is slow but whole. */
class RulesTest {
  @TempDir static Path folder;
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

  /** A server that was handed the learner: token ids in, token ids out. */
  private abstract class Handed extends GeneratorRules {
    private final ServerKind kind;

    Handed(ServerKind kind) {
      this.kind = kind;
    }

    @Override
    protected Generator open() {
      return Opened.handed(kind, stub, folder, "log-probabilities", "true");
    }

    @Override
    protected Set<GeneratorCapability> capabilities() {
      Set<GeneratorCapability> all = EnumSet.copyOf(kind.capabilities());
      all.add(GeneratorCapability.TOKEN_IDS);
      all.add(GeneratorCapability.LOG_PROBABILITIES);
      return all;
    }

    @Override
    protected boolean isCalledByHosts() {
      return true;
    }
  }

  @Nested
  class HandedVllm extends Handed {
    HandedVllm() {
      super(ServerKind.VLLM);
    }
  }

  @Nested
  class HandedSglang extends Handed {
    HandedSglang() {
      super(ServerKind.SGLANG);
    }
  }

  @Nested
  class HandedLlamaCpp extends Handed {
    HandedLlamaCpp() {
      super(ServerKind.LLAMA_CPP);
    }
  }

  /** By one request a prompt. */
  @Nested
  class Together extends Rules {
    Together() {
      super(ServerKind.VLLM);
    }

    @Override
    protected Generator open() {
      return Opened.open(ServerKind.VLLM, stub, "one-request-a-prompt", "true");
    }
  }

  @Nested
  class HandedTogether extends Handed {
    HandedTogether() {
      super(ServerKind.SGLANG);
    }

    @Override
    protected Generator open() {
      return Opened.handed(
          ServerKind.SGLANG,
          stub,
          folder,
          "log-probabilities",
          "true",
          "one-request-a-prompt",
          "true");
    }
  }

  private abstract class Scores extends ScorerRules {
    private final ServerKind kind;

    Scores(ServerKind kind) {
      this.kind = kind;
    }

    @Override
    protected Generator open() {
      stub.owner = Opened.owner(kind);
      return Opened.open(kind, stub);
    }
  }

  @Nested
  class VllmScorer extends Scores {
    VllmScorer() {
      super(ServerKind.VLLM);
    }
  }

  @Nested
  class SglangScorer extends Scores {
    SglangScorer() {
      super(ServerKind.SGLANG);
    }
  }

  @Nested
  class LlamaCppScorer extends Scores {
    LlamaCppScorer() {
      super(ServerKind.LLAMA_CPP);
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
