package org.autodidact.engine.judge;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Position;

/**
 * The mean of several judges: one sample a member, in the members' order, its score brought to this
 * scale. A member that has no score has no voice.
 */
public final class EnsembleJudge implements Judge {
  /** Opens it by the name {@code ensemble}. */
  public static final JudgeProvider PROVIDER =
      JudgeProvider.of("ensemble", context -> new EnsembleJudge(context.members()));

  private final List<Judge> members;

  EnsembleJudge(List<Judge> members) {
    if (members.isEmpty()) {
      throw new InvalidInputException(
          "the judge 'ensemble' needs judge.members, for example [additive, expected-score]");
    }
    this.members = List.copyOf(members);
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Chunks.judge(requests, cancellation, part -> judgePart(part, results, cancellation));
  }

  private void judgePart(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Map<String, List<JudgementSample>> samples = new LinkedHashMap<>();
    AdditiveJudge.requireDistinct(requests)
        .keySet()
        .forEach(id -> samples.put(id, new ArrayList<>()));
    for (Judge member : members) {
      member.judge(requests, j -> samples.get(j.id()).add(sample(j, member.scale())), cancellation);
    }
    samples.forEach((id, all) -> results.accept(Judgement.of(id, all)));
  }

  private JudgementSample sample(Judgement judgement, Scale from) {
    OptionalDouble score = judgement.score();
    return new JudgementSample(
        score.isEmpty()
            ? score
            : OptionalDouble.of(
                scale().lowest()
                    + (score.getAsDouble() - from.lowest())
                        / (from.highest() - from.lowest())
                        * (scale().highest() - scale().lowest())),
        judgement.samples().stream()
            .map(JudgementSample::text)
            .filter(t -> !t.isEmpty())
            .collect(Collectors.joining("\n\n")),
        Position.ALONE,
        score.isPresent()
            ? Optional.empty()
            : judgement.samples().stream().flatMap(s -> s.parseFailure().stream()).findFirst());
  }

  @Override
  public void close() {
    Judges.close(members);
  }
}
