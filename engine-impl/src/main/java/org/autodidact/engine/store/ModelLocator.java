package org.autodidact.engine.store;

import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.gguf.Gguf;

/** Models as people name them: a Hugging Face folder or a GGUF file. */
public final class ModelLocator {
  private ModelLocator() {}

  public static void requireThere(Path model) {
    if (!Files.isDirectory(model) && !Files.isRegularFile(model)) {
      throw new InvalidInputException(
          model + ": there is no such model; expected a Hugging Face folder or a .gguf file");
    }
  }

  /**
   * The Hugging Face folder of a model: itself, or {@code importInto} after the GGUF file is
   * imported there, which is done once.
   */
  public static Path folder(Path model, Path importInto) {
    requireThere(model);
    if (Files.isDirectory(model)) {
      return model;
    }
    if (!Files.isDirectory(importInto)) {
      try {
        Gguf.importInto(model, importInto);
      } catch (AutodidactException e) {
        if (!Files.isDirectory(importInto)) {
          throw e;
        }
        // Another process that imports the same was faster.
      }
    }
    return importInto;
  }
}
