package org.autodidact.openai;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingResult;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;

/** A run whose models are on a server; its trainer names the same model again. */
public final class StandInRun implements Plugin {
  /** Runs a configuration into a folder, in a process of its own. */
  public static void main(String[] arguments) {
    run(Path.of(arguments[0]), Path.of(arguments[1]));
  }

  static Checkpoint run(Path config, Path output) {
    return Autodidact.builder()
        .plugin(new StandInRun())
        .build()
        .run(ConfigFile.read(config, Map.of()), output);
  }

  @Override
  public String name() {
    return "stand-in";
  }

  @Override
  public List<TrainerProvider> trainers() {
    return List.of(
        TrainerProvider.of(
            "stand-in",
            PartOptions.None.class,
            new TrainerCapabilities(
                TrainerCapabilities.MINIMAL.losses(),
                TrainerCapabilities.MINIMAL.optimizers(),
                Set.of(Feature.MODEL_REFERENCES)),
            context ->
                (Trainer)
                    (request, metrics, cancellation) -> {
                      TrainingMetrics step = TrainingMetrics.of(1, 1, 1, Map.of("loss", 1.0));
                      metrics.accept(step);
                      return new TrainingResult(
                          Checkpoint.reference(request.output().name(), request.base().location()),
                          List.of(step),
                          false);
                    }));
  }
}
