package org.autodidact.api;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A model at rest: a folder in Hugging Face's layout (config.json, safetensors, tokenizer.json).
 *
 * @param name its name in the run: M0 is the model that the run starts from, M1 the fine-tuned one,
 *     M2 the first iterate
 * @param folder where it lies
 */
public record Checkpoint(String name, Path folder) {
  public Checkpoint {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(folder, "folder");
  }
}
