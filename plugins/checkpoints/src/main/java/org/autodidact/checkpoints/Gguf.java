package org.autodidact.checkpoints;

import java.nio.file.Path;

/** GGUF files, the format of llama.cpp. */
public final class Gguf {
  private Gguf() {}

  /**
   * Imports a GGUF file into a Hugging Face folder with float32 weights. The folder appears whole
   * or not at all.
   */
  public static void importInto(Path gguf, Path folder) {
    throw new UnsupportedOperationException();
  }
}
