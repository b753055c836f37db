package org.autodidact.demo;

import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Plugin;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.verify.Verifier;

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
        provider("random", request -> new Random(request.seeds().get(0)).nextInt(6)),
        provider(
            "oracle",
            request ->
                Verifier.score(
                    Task.read(request.instruction()).orElseThrow(), request.response())));
  }

  private static JudgeProvider provider(String name, ToDoubleFunction<JudgementRequest> score) {
    return new JudgeProvider() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Judge open(JudgeContext context) {
        return new FunctionJudge(score);
      }
    };
  }

  private record FunctionJudge(ToDoubleFunction<JudgementRequest> score) implements Judge {
    @Override
    public void judge(
        List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
      for (JudgementRequest request : requests) {
        cancellation.throwIfCancelled();
        OptionalDouble given = OptionalDouble.of(score.applyAsDouble(request));
        results.accept(Judgement.of(request.id(), List.of(new JudgementSample(given, ""))));
      }
    }

    @Override
    public void close() {}
  }
}
