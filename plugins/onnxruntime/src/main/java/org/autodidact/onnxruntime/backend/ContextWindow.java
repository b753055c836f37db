package org.autodidact.onnxruntime.backend;

import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.ModelConfig;

/** Checks token ids against a model's context length and vocabulary. */
public final class ContextWindow {
  private ContextWindow() {}

  /** Refuses tokens that the context cannot hold with {@code more}, or the embedding lacks. */
  public static void requireFits(ModelConfig config, String promptId, int[] tokens, int more) {
    if (tokens.length + more > config.contextLength()) {
      throw new InvalidInputException(
          "prompt '"
              + promptId
              + "' has "
              + tokens.length
              + " tokens; the model's context holds "
              + config.contextLength()
              + ", and an answer needs at least one; shorten the prompt, or what was filled into it");
    }
    for (int token : tokens) {
      if (token < 0 || token >= config.vocabularySize()) {
        throw new InvalidInputException(
            "prompt '"
                + promptId
                + "' has token id "
                + token
                + ", the embedding has ids 0 to "
                + (config.vocabularySize() - 1)
                + "; tokenizer and weights do not belong together");
      }
    }
  }
}
