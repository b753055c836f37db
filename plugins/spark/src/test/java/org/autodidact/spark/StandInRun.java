package org.autodidact.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Plugin;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingResult;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;

/** A run whose trainer hands the base back as it is. */
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
            context ->
                (request, metrics, cancellation) -> {
                  copy(request.base().folder(), request.output().folder());
                  TrainingMetrics step = TrainingMetrics.of(1, 1, 1, Map.of("loss", 1.0));
                  metrics.accept(step);
                  return new TrainingResult(request.output(), List.of(step), false);
                }));
  }

  private static void copy(Path from, Path to) {
    try (Stream<Path> files = Files.list(from)) {
      Files.createDirectories(to);
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
