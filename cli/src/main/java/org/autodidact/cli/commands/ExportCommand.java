package org.autodidact.cli.commands;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.CheckpointFiles;
import org.autodidact.checkpoints.files.StagedFolder;
import org.autodidact.checkpoints.gguf.GgufExport;
import org.autodidact.engine.store.RunStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "export",
    description = {
      "Copies a model out of a run: a Hugging Face folder that transformers loads,",
      "or one GGUF file that llama.cpp, Ollama and LM Studio run."
    },
    mixinStandardHelpOptions = true)
public final class ExportCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "RUN", description = "the run's folder")
  private Path run;

  @Parameters(index = "1", paramLabel = "MODEL", description = "M1, M2, …")
  private String model;

  @Parameters(index = "2", paramLabel = "DIR|FILE", description = "the new folder or file")
  private Path folder;

  @Option(
      names = "--gguf",
      paramLabel = "TYPE",
      description = "write a GGUF file with its matrices in f16, bf16 or q8_0")
  private GgufExport.Weights gguf;

  @Override
  public Integer call() {
    if (Files.exists(folder)) {
      throw new InvalidInputException(folder + ": exists already; name a new one");
    }
    try (RunStore store = RunStore.read(run)) {
      Path source = source(store);
      if (gguf == null) {
        copy(source);
      } else {
        try (ModelFolder opened = ModelFolder.open(source)) {
          GgufExport.write(opened, gguf, folder);
        }
      }
    }
    System.out.println(ShownText.escaped(model + " is in " + folder));
    return 0;
  }

  /** The model's folder, which lies in the run's and is what the run stored. */
  private Path source(RunStore store) {
    Checkpoint checkpoint =
        store
            .model(model)
            .orElseThrow(
                () -> new InvalidInputException(run + ": has no finished model '" + model + "'"));
    Path source = checkpoint.folder();
    try {
      if (!source.toRealPath().startsWith(run.toRealPath())) {
        throw new InvalidInputException(
            model
                + " of this run lies outside of its folder, in "
                + source
                + "; only what a run made is exported: copy that folder where it is yours");
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          source + ": the model " + model + " of this run is not there", e);
    }
    store.verify(checkpoint, new Cancellation());
    return source;
  }

  private void copy(Path source) {
    List<Path> files = CheckpointFiles.toCopy(source);
    if (files.isEmpty()) {
      throw new InvalidInputException(source + ": holds no file of a model");
    }
    try (StagedFolder part = StagedFolder.beside(folder)) {
      for (Path file : files) {
        Files.copy(file, part.path().resolve(file.getFileName().toString()));
      }
      part.finish();
    } catch (IOException e) {
      throw new StorageException(folder + ": cannot be written: " + e, e);
    }
  }
}
