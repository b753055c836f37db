package org.autodidact.onnxruntime.graph;

import java.util.Optional;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;

/**
 * Nodes of a decoder's projections, embedding and norm gains: what differs between precisions. Each
 * method adds nodes to the graph and returns the name of their result; rows are [B × S, width].
 */
public interface Projections {
  /** Projections over quantized weights, or in float32 over the checkpoint's own. */
  static Projections of(
      ModelFolder model, Optional<? extends QuantizedWeights> quantized, OnnxGraphBuilder graph) {
    if (quantized.isEmpty()) {
      return new FloatProjections(model, graph);
    }
    return quantized.get() instanceof Int8Weights int8
        ? new Int8Projections(model.config(), int8, graph)
        : new BlockInt8Projections(model, (BlockInt8Weights) quantized.get(), graph);
  }

  /** The embedding, [V, hidden]. */
  String embedding();

  /** The gains of a norm, by its name in the checkpoint. */
  String gain(String name);

  /** Queries, keys and values, [B × S, heads × head size] each, or one array of all three. */
  String[] queriesKeysValues(int layer, String x);

  /** The scale of attention scores that is not folded into the queries. */
  float attentionScale();

  /** The output projection of a layer's attention. */
  String attentionOutput(int layer, String x);

  /** A layer's MLP: SwiGLU, or another gate (Shazeer, 2020). */
  String mlp(int layer, String x);

  /** Adds the node that writes {@code logits}, [rows, V]. */
  void head(String x);
}
