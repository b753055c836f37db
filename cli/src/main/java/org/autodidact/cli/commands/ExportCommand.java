package org.autodidact.cli.commands;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
      "or one GGUF file that llama.cpp, Ollama and LM Studio run. A model's folder",
      "that is in no run becomes a GGUF file, too."
    },
    mixinStandardHelpOptions = true)
public final class ExportCommand implements Callable<Integer> {
  @Parameters(
      arity = "2..3",
      paramLabel = "RUN MODEL DIR|FILE, or MODEL-DIR FILE",
      hideParamSyntax = true,
      description = {
        "a run's folder, its M1, M2, … and the new folder or file;",
        "or, with --gguf, any model's folder and the new file"
      })
  private List<String> names;

  @Option(
      names = "--gguf",
      paramLabel = "TYPE",
      description = "write a GGUF file with its matrices in f32, f16, bf16 or q8_0")
  private String gguf;

  @Override
  public Integer call() {
    Optional<GgufExport.Weights> weights = Optional.ofNullable(gguf).map(ExportCommand::weights);
    Path target = Path.of(names.get(names.size() - 1));
    if (Files.exists(target)) {
      throw new InvalidInputException(target + ": exists already; name a new one");
    }
    if (names.size() == 2) {
      write(Path.of(names.get(0)), target, weights);
    } else {
      Path run = Path.of(names.get(0));
      try (RunStore store = RunStore.read(run)) {
        Path source = source(store, run, names.get(1));
        if (weights.isPresent()) {
          write(source, target, weights);
        } else {
          copy(source, target);
        }
      }
    }
    System.out.println(ShownText.escaped(names.get(names.size() - 2) + " is in " + target));
    return 0;
  }

  private static GgufExport.Weights weights(String name) {
    return Arrays.stream(GgufExport.Weights.values())
        .filter(weights -> weights.name().equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "--gguf: expected f32, f16, bf16 or q8_0, found '" + name + "'"));
  }

  private static void write(Path source, Path file, Optional<GgufExport.Weights> weights) {
    if (weights.isEmpty()) {
      throw new InvalidInputException(
          source
              + " and "
              + file
              + ": two names are a model's folder and a GGUF file, which needs --gguf f16; of a run,"
              + " name the model, too: RUN M3 DIR");
    }
    try (ModelFolder opened = ModelFolder.open(source)) {
      GgufExport.write(opened, weights.get(), file);
    }
  }

  /** The model's folder, which lies in the run's and is what the run stored. */
  private static Path source(RunStore store, Path run, String model) {
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

  private static void copy(Path source, Path folder) {
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
