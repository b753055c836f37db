package org.autodidact.engine.judge;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.engine.judge.score.ScoreParser;

/**
 * LLM-as-a-Judge by the additive 5-point prompt (paper, section 2.2 and figure 2): the model writes
 * a justification and a score, as many times as there are seeds; scores that parse are averaged.
 */
public final class AdditiveJudge implements Judge {
  /** Opens it by the name {@code additive}. */
  public static final JudgeProvider PROVIDER = JudgeProvider.of("additive", AdditiveJudge::new);

  private final JudgeProvider.JudgeContext context;
  private final JudgeTemplate template;

  AdditiveJudge(JudgeProvider.JudgeContext context) {
    this.context = context;
    this.template = JudgeTemplate.additive(context.template());
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Map<String, JudgementRequest> byId = requireDistinct(requests);
    List<GenerationRequest> prompts =
        byId.values().stream()
            .map(
                r ->
                    new GenerationRequest(
                        template.prompt(r.id(), r.instruction(), r.response()),
                        r.seeds(),
                        context.sampling()))
            .toList();
    context
        .generator()
        .generate(
            prompts,
            generation ->
                results.accept(
                    Judgement.of(
                        generation.promptId(),
                        generation.candidates().stream()
                            .map(c -> ScoreParser.sample(c.text(), scale(), c.finishReason()))
                            .toList())),
            cancellation);
  }

  /** Rule J7. */
  static Map<String, JudgementRequest> requireDistinct(List<JudgementRequest> requests) {
    Map<String, JudgementRequest> byId = new java.util.LinkedHashMap<>();
    for (JudgementRequest request : requests) {
      if (byId.put(request.id(), request) != null) {
        throw new InvalidInputException(
            "judgement id '" + request.id() + "' occurs twice; ids must be unique in a call");
      }
    }
    return byId;
  }

  @Override
  public void close() {}
}
