package org.autodidact.cli.output;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.autodidact.api.Checkpoint;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.RunStore;

/** The summary of a finished run. */
public final class RunSummary {
  private RunSummary() {}

  public static void print(Path run, Checkpoint last, JsonReport report) {
    try (RunStore store = RunStore.read(run)) {
      Map<String, Long> counts = store.counts();
      report
          .put("last", last.name())
          .put("folder", last.location())
          .put("counts", counts)
          .put("stage_seconds", store.stageSeconds())
          .put("handovers", ModelHandover.all(store))
          .times()
          .print(
              String.format(
                  Locale.ROOT,
                  "%s is ready in %s after %.1f s: %d prompts, %d candidates, %d judgements, %d pairs, %d training steps; all of it is in %s",
                  last.name(),
                  last.location(),
                  report.seconds(),
                  counts.get("prompt"),
                  counts.get("candidate"),
                  counts.get("judgement"),
                  counts.get("pair"),
                  counts.get("training_step"),
                  run.resolve("run.db")));
    }
  }
}
