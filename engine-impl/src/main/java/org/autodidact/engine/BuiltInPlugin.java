package org.autodidact.engine;

import java.util.List;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.PairSelectorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.engine.judge.AdditiveJudge;
import org.autodidact.engine.judge.EnsembleJudge;
import org.autodidact.engine.judge.ExpectedScoreJudge;
import org.autodidact.engine.judge.MetaJudge;
import org.autodidact.engine.judge.PairwiseJudge;
import org.autodidact.engine.pairs.Selectors;

/** What the engine itself brings: the judges that need only a generator, and the pair selectors. */
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
        PairwiseJudge.PROVIDER,
        EnsembleJudge.PROVIDER,
        MetaJudge.PROVIDER);
  }

  @Override
  public List<PairSelectorProvider> pairSelectors() {
    return Selectors.providers();
  }
}
