package org.example.gap;

import org.autodidact.api.PairSelector;
import org.autodidact.api.Plugin;
import org.autodidact.conformance.PairSelectorRules;
import org.autodidact.conformance.ProviderRules;
import org.junit.jupiter.api.Nested;

class GapPluginTest {
  @Nested
  class Provider extends ProviderRules {
    @Override
    protected Plugin plugin() {
      return new GapPlugin();
    }
  }

  @Nested
  class Rules extends PairSelectorRules {
    @Override
    protected PairSelector create() {
      return new GapPlugin.Gap(0.5, 2);
    }
  }
}
