package org.autodidact.cli.output;

import java.util.List;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;

/** A judge that shows how far it is. */
public final class ProgressJudge implements Judge {
  private final Judge judge;

  public ProgressJudge(Judge judge) {
    this.judge = judge;
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Progress progress = new Progress();
    progress.begin("judge", 0, requests.size());
    int[] done = {0};
    judge.judge(
        requests,
        judgement -> {
          results.accept(judgement);
          progress.progressed(++done[0], requests.size());
        },
        cancellation);
    progress.finish();
  }

  @Override
  public Scale scale() {
    return judge.scale();
  }

  @Override
  public void close() {
    judge.close();
  }
}
