package org.autodidact.engine.plugins;

import java.util.List;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PromptFilterProvider;
import org.autodidact.engine.judge.AdditiveJudge;
import org.autodidact.engine.judge.EnsembleJudge;
import org.autodidact.engine.judge.ExpectedScoreJudge;
import org.autodidact.engine.judge.JustifiedScoreJudge;
import org.autodidact.engine.judge.MetaJudge;
import org.autodidact.engine.judge.PairwiseJudge;
import org.autodidact.engine.pairs.Selectors;
import org.autodidact.engine.prompts.PromptFilters;

/**
 * The plugin of the engine itself: judges that need only a generator, pair selectors, prompt
 * filters.
 */
final class BuiltInPlugin implements Plugin {
  @Override
  public String name() {
    return "built-in";
  }

  @Override
  public List<JudgeProvider> judges() {
    return List.of(
        AdditiveJudge.PROVIDER,
        ExpectedScoreJudge.PROVIDER,
        JustifiedScoreJudge.PROVIDER,
        PairwiseJudge.PROVIDER,
        EnsembleJudge.PROVIDER,
        MetaJudge.PROVIDER);
  }

  @Override
  public List<PairSelectorProvider> pairSelectors() {
    return Selectors.providers();
  }

  @Override
  public List<PromptFilterProvider> promptFilters() {
    return PromptFilters.providers();
  }
}
