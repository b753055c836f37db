package org.example.concise;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Plugin;
import org.autodidact.api.Setting;

public final class ConcisePlugin implements Plugin {
  @Override
  public String name() {
    return "concise";
  }

  @Override
  public List<JudgeProvider> judges() {
    return List.of(
        JudgeProvider.of("concise", Concise.class, false, c -> c.options().read(Concise.class)));
  }

  public record Concise(
      @Setting("what an answer must say") String word,
      @Setting(value = "words for a point", range = "[1, 9999]", byDefault = "80") int cost)
      implements Judge {
    @Override
    public void judge(List<JudgementRequest> all, Consumer<Judgement> results, Cancellation stop) {
      for (JudgementRequest r : all) {
        stop.throwIfCancelled();
        int points = Math.max(0, 5 - r.response().split("\\s+").length / cost);
        var score = OptionalDouble.of(r.response().contains(word) ? points : 0);
        results.accept(Judgement.of(r.id(), List.of(new JudgementSample(score, ""))));
      }
    }

    @Override
    public void close() {}
  }
}
