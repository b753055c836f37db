package org.example.concise;

import java.util.Map;
import org.autodidact.api.Judge;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.conformance.JudgeRules;
import org.autodidact.conformance.ProviderRules;
import org.junit.jupiter.api.Nested;

class ConcisePluginTest {
  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new ConcisePlugin();
    }

    @Override
    protected Map<String, String> options(PartProvider provider) {
      return Map.of("word", "number");
    }
  }

  @Nested
  class Rules extends JudgeRules {
    @Override
    protected Judge open() {
      return new ConcisePlugin.Concise("number", 2);
    }
  }
}
