package org.autodidact.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.engine.store.RunStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
    name = "export",
    description = "Copies a model out of a run: a Hugging Face folder that transformers loads.",
    mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "RUN", description = "the run's folder")
  private Path run;

  @Parameters(index = "1", paramLabel = "MODEL", description = "M1, M2, …")
  private String model;

  @Parameters(index = "2", paramLabel = "DIR", description = "the new folder")
  private Path folder;

  @Override
  public Integer call() {
    Path source;
    try (RunStore store = RunStore.openExisting(run)) {
      source =
          store
              .model(model)
              .orElseThrow(
                  () -> new InvalidInputException(run + ": has no finished model '" + model + "'"));
    }
    if (Files.exists(folder)) {
      throw new InvalidInputException(folder + ": exists already; name a new folder");
    }
    try (Stream<Path> files = Files.list(source)) {
      List<Path> all = files.filter(Files::isRegularFile).toList();
      Files.createDirectories(folder);
      for (Path file : all) {
        Files.copy(file, folder.resolve(file.getFileName().toString()));
      }
    } catch (IOException e) {
      throw new StorageException(folder + ": cannot be written: " + e, e);
    }
    System.out.println(model + " is in " + folder);
    return 0;
  }
}
