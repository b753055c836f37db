package org.autodidact.api;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A model at rest: a folder in Hugging Face's layout (config.json, safetensors, tokenizer.json).
 *
 * @param name what it is called in the run: M0 is what came in, M1 the fine-tuned, M2 the first
 *     iterate
 * @param folder where it lies
 */
public record Checkpoint(String name, Path folder) {
  public Checkpoint {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(folder, "folder");
  }
}
