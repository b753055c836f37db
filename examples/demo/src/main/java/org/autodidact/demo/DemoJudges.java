package org.autodidact.demo;

import java.util.List;
import java.util.Random;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Plugin;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.verify.Verifier;
import org.autodidact.engine.judge.RulesJudge;

/**
 * The controls: a judge that knows nothing ({@code random}) and one that knows all ({@code
 * oracle}).
 */
final class DemoJudges implements Plugin {
  @Override
  public String name() {
    return "demo";
  }

  @Override
  public List<JudgeProvider> judges() {
    return List.of(
        RulesJudge.provider("random", request -> new Random(request.seeds().get(0)).nextInt(6)),
        RulesJudge.provider(
            "oracle",
            request ->
                Verifier.score(
                    Task.read(request.instruction()).orElseThrow(), request.response())));
  }
}
