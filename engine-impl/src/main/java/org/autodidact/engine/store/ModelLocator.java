package org.autodidact.engine.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.gguf.Gguf;
import org.autodidact.hub.Hub;
import org.autodidact.hub.HubModel;
import org.autodidact.hub.HubSettings;

/**
 * Models as people name them: a Hugging Face folder, a GGUF file, or a name on the hub.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class ModelLocator {
  private static final System.Logger LOGGER = System.getLogger(ModelLocator.class.getName());

  private ModelLocator() {}

  /** Whether this is no file but may be a model's name on the hub, as {@code Qwen/Qwen3-0.6B}. */
  public static boolean isHubName(Path model) {
    return !Files.exists(model) && HubModel.of(model.toString()).isPresent();
  }

  /**
   * A model where it lies; one that is named by the hub is downloaded into the hub's cache first.
   */
  public static Path located(Path model, Cancellation cancellation) {
    return located(model, line -> LOGGER.log(System.Logger.Level.INFO, line), cancellation);
  }

  /**
   * @param progress is told each file before it is downloaded
   */
  public static Path located(Path model, Consumer<String> progress, Cancellation cancellation) {
    if (!isHubName(model)) {
      return model;
    }
    try {
      return new Hub(HubSettings.ofEnvironment(), progress)
          .pull(HubModel.of(model.toString()).orElseThrow(), cancellation);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          model + ": is no folder or file here, and as a name on the hub: " + e.getMessage(), e);
    } catch (StorageException e) {
      throw new StorageException(
          model + ": is no folder or file here, and as a name on the hub: " + e.getMessage(), e);
    }
  }

  /**
   * The checkpoint that a person names: a folder, or what the generator understands where there is
   * no such folder. A GGUF file and a name on the hub are a folder only after they were imported or
   * downloaded.
   */
  public static Checkpoint checkpoint(String name, String model, GeneratorProvider generator) {
    return isReference(model, generator)
        ? Checkpoint.reference(name, model)
        : new Checkpoint(name, Path.of(model));
  }

  /** Whether a model is no file here, and the generator opens such models itself. */
  public static boolean isReference(String model, GeneratorProvider generator) {
    return generator.capabilities().contains(GeneratorCapability.MODEL_REFERENCES)
        && !Files.exists(Path.of(model));
  }

  public static void requireThere(Path model) {
    if (!Files.isDirectory(model) && !Files.isRegularFile(model)) {
      throw new InvalidInputException(
          model
              + ": there is no such model; expected a Hugging Face folder, a .gguf file, or a name on the hub (OWNER/NAME)");
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
