package org.autodidact.onnxruntime.graph;

/**
 * The products of a decoder with its weights: what differs between arithmetics. Each adds nodes to
 * the graph and gives the name of its result; rows are [B × S, width].
 */
public interface Projections {
  /** The embedding [V, hidden] that token ids are looked up in. */
  String embedding();

  /** The gain of a norm, by the checkpoint's name. */
  String gain(String name);

  /** Queries, keys and values of a layer, [B × S, heads × head size] each, or all side by side. */
  String[] queriesKeysValues(int layer, String x);

  /** What a score is multiplied by, where the queries have not been. */
  float attentionScale();

  /** What a layer's attention adds. */
  String attentionOutput(int layer, String x);

  /** What a layer's MLP adds: SwiGLU, or another gate (Shazeer, 2020). */
  String mlp(int layer, String x);

  /** Writes {@code logits}. */
  void head(String x);
}
