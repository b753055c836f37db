package org.autodidact.onnxruntime.quantization;

import java.util.function.IntConsumer;

/** Receives each row of quantized activations that a matrix product reads. */
@FunctionalInterface
public interface ActivationObserver {

  /** The projections that read the activations. */
  enum Site {
    /** Queries, keys and values; they read the normed residual stream. */
    QKV,
    /** The attention's output projection. */
    O_PROJ,
    /** The MLP's gate and up; they read the normed residual stream. */
    GATE_UP,
    DOWN_PROJ,
    /** The logits' projection, in layer 0; it reads the last normed residual stream. */
    LM_HEAD
  }

  /**
   * Called on the thread that quantized the row.
   *
   * @param bytes the row from {@code from} on, {@code width} bytes with 128 for 0
   * @param scale what the bytes are times
   */
  void observe(Site site, int layer, int token, byte[] bytes, int from, int width, float scale);

  /** A decoder session that shows its activations. */
  interface Session {
    /** Prefills a text of these ids and shows all its activations. */
    void prefill(int[] ids, ActivationObserver observer);

    /** Calls {@code action} for each index below {@code count}, on the session's threads. */
    void forEach(int count, IntConsumer action);
  }
}
