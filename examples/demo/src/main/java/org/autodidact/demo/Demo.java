package org.autodidact.demo;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.RunListener;
import org.autodidact.demo.language.Task;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.report.ExternalEvaluation;
import org.autodidact.engine.report.HtmlReport;
import org.autodidact.engine.store.RunStore;

/**
 * The loop on a small model of our own, by the engine that runs any model, and then the truth about
 * each iterate.
 */
public final class Demo {
  private Demo() {}

  /**
   * Runs the demo in {@code folder}, or goes on with the one there, and verifies M1, M2, ….
   *
   * @param model M0, or the one inside
   * @param overrides of the run's configuration, as {@code --set} takes them
   */
  public static List<Verified> run(
      Optional<Path> model,
      DemoSettings settings,
      Path folder,
      Map<String, String> overrides,
      RunListener listener,
      Cancellation cancellation) {
    Path data = folder.resolve("data").toAbsolutePath();
    DemoData.write(data, settings);
    Path m0 = model.orElseGet(() -> DemoResources.unpackModel(data.resolve("M0")));
    RunConfig config = config(m0, settings, data, overrides);
    Autodidact engine = Autodidact.builder().plugin(new DemoJudges()).listener(listener).build();
    engine.run(config, folder, cancellation);
    Evaluation evaluation =
        new Evaluation(engine.plugins(), config.candidates().sampling(), config.judge().sampling());
    List<Task> tasks = List.copyOf(DemoData.heldOut(settings.heldOut()));
    List<Verified> verified = new ArrayList<>();
    for (int i = 1; i <= settings.iterations() + 1; i++) {
      Checkpoint iterate = iterate(folder, "M" + i);
      int made = i <= settings.iterations() ? pairs(folder, i) : -1;
      verified.add(evaluation.verify(iterate, made, tasks, cancellation));
    }
    try (RunStore store = RunStore.open(folder)) {
      ExternalEvaluation.store(store, verified.stream().map(Verified::facts).toList());
      HtmlReport.write(store);
    }
    return verified;
  }

  /** The folder of a model of the run; without fine-tuning M1 is M0. */
  private static Checkpoint iterate(Path folder, String name) {
    try (RunStore store = RunStore.open(folder)) {
      return store.model(name).orElseThrow();
    }
  }

  private static int pairs(Path folder, int iteration) {
    try (RunStore store = RunStore.open(folder)) {
      return store.iterations().pairs(iteration).size();
    }
  }

  private static RunConfig config(
      Path model, DemoSettings settings, Path data, Map<String, String> more) {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("model", model.toAbsolutePath().toString());
    values.put("seed", Long.toString(settings.seed()));
    values.put("iterations", Integer.toString(settings.iterations()));
    values.put("prompts.per-iteration", Integer.toString(settings.prompts()));
    values.put("judge.name", settings.judge());
    values.put("preference-training.loss", settings.positiveOnly() ? "sft" : "sigmoid");
    values.putAll(more);
    return ConfigFile.parse(DemoResources.text("demo.yaml"), "demo.yaml", values, data);
  }
}
