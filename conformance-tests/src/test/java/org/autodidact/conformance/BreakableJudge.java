package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;

/** Grades at random and keeps every rule but {@code broken}. */
final class BreakableJudge implements Judge {
  private final String broken;

  BreakableJudge(String broken) {
    this.broken = broken;
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    if (!broken.equals("J6")) {
      cancellation.throwIfCancelled();
    }
    Set<String> ids = new HashSet<>();
    for (JudgementRequest request : requests) {
      if (!ids.add(request.id()) && !broken.equals("J7")) {
        throw new InvalidInputException("judgement id '" + request.id() + "' occurs twice");
      }
      if (request.response().isEmpty() && broken.equals("J5")) {
        throw new InvalidInputException("judgement '" + request.id() + "' has no response");
      }
    }
    for (JudgementRequest request : requests) {
      List<JudgementSample> samples = new ArrayList<>();
      for (long seed : request.seeds()) {
        Random random =
            new Random(seed + request.hashCode() + (broken.equals("J4") ? requests.size() : 0));
        int score = random.nextInt(6) + (broken.equals("J2") ? 3 : 0);
        samples.add(
            new JudgementSample(
                random.nextInt(3) == 0 ? OptionalDouble.empty() : OptionalDouble.of(score), ""));
      }
      Judgement judgement = Judgement.of(request.id(), samples);
      Judgement given =
          broken.equals("J3")
              ? new Judgement(request.id(), OptionalDouble.of(0.123), samples)
              : judgement;
      switch (broken) {
        case "J1-thread" -> OtherThread.run(() -> results.accept(given));
        case "J1-late" -> new Thread(() -> results.accept(given), "a late thread").start();
        default -> results.accept(given);
      }
      if (broken.equals("J1")) {
        return;
      }
      if (!broken.startsWith("J6")) {
        cancellation.throwIfCancelled();
      }
    }
  }

  @Override
  public void close() {}
}
