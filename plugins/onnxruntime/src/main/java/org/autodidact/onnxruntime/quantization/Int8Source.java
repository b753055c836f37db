package org.autodidact.onnxruntime.quantization;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.ModelConfig;

/**
 * Where a checkpoint's int8 matrices are from: computed, read from a file, or in memory. One is in
 * memory for each thread that asks, so that no model is there twice. Thread-safe.
 */
public interface Int8Source {
  /** The name of the logits' projection. */
  String HEAD = "head";

  /**
   * One of {@link #names}. The caller closes its values.
   *
   * @throws org.autodidact.api.CancelledException once {@link #opening} is cancelled
   */
  Int8Matrix take(String name);

  /** The rows that tokens begin with. */
  RotatedEmbedding embedding();

  /** Cancels the opening of the model. */
  Cancellation opening();

  /** All matrices of a model, the largest first. */
  static List<String> names(ModelConfig config) {
    List<String> names = new ArrayList<>(List.of(HEAD));
    for (int i = 0; i < config.layers(); i++) {
      for (String projection : List.of("qkv.", "o.", "gate.", "up.", "down.")) {
        names.add(projection + i);
      }
    }
    return names;
  }
}
