package org.autodidact.api;

import java.nio.file.Path;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A model at rest: a folder in Hugging Face's layout (config.json, safetensors, tokenizer.json), or
 * a reference that only a plugin understands, as the name of a model on a server.
 *
 * @param name its name in the run: M0 is the model that the run starts from, M1 the fine-tuned one,
 *     M2 the first iterate
 * @param location the folder's path, or the reference
 * @param isReference whether it is a reference
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Checkpoint(String name, String location, boolean isReference) {
  public Checkpoint {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(location, "location");
  }

  /** A folder. */
  public Checkpoint(String name, Path folder) {
    this(name, folder.toString(), false);
  }

  /** A model that is no folder here. */
  public static Checkpoint reference(String name, String reference) {
    return new Checkpoint(name, reference, true);
  }

  /**
   * The folder.
   *
   * @throws UnsupportedModelException where this is a reference
   */
  public Path folder() {
    if (isReference) {
      throw new UnsupportedModelException(
          name
              + " is '"
              + ShownText.of(location, 60)
              + "', which is no folder here; what computes it must open references, as a generator"
              + " over HTTP does");
    }
    return Path.of(location);
  }
}
