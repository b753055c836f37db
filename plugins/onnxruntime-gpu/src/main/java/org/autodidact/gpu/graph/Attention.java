package org.autodidact.gpu.graph;

import java.util.List;
import org.autodidact.checkpoints.ModelConfig.LayerAttention;

/** Nodes of attention, with the rotation of queries and keys, and the cache that it reads. */
interface Attention {
  /** Declares the cache, and what else attention reads. */
  void declare();

  /** Whether queries, keys and values may be one tensor. */
  boolean takesPacked();

  /**
   * Attends.
   *
   * @param parts queries, keys and values [B, S, width]; or all in the first, and two empty names
   * @param angles what the names of the rotary tables end with
   * @return [B, S, heads × head size]
   */
  String attend(int layer, List<String> parts, LayerAttention settings, String angles);
}
