package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;

/** Projections over {@link BlockInt8Weights}; embedding and norms as in float32. */
final class BlockInt8Projections extends FloatProjections {
  private final ModelFolder model;
  private final BlockInt8Weights weights;
  private final OnnxGraphBuilder graph;

  BlockInt8Projections(ModelFolder model, BlockInt8Weights weights, OnnxGraphBuilder graph) {
    super(model, graph);
    this.model = model;
    this.weights = weights;
    this.graph = graph;
  }

  @Override
  String linear(String x, String name, boolean bias) {
    String product = name + ":product";
    matMul(name, x, product);
    return bias ? graph.node("Add", product, graph.weight(model.tensor(name + ".bias"))) : product;
  }

  @Override
  public void head(String x) {
    matMul(BlockInt8Weights.HEAD, x, "logits");
  }

  private void matMul(String name, String x, String result) {
    BlockInt8Weights.BlockMatrix m = weights.matrix(name);
    int blocks = m.inputs() / BlockInt8Weights.BLOCK_SIZE;
    graph.node(
        MICROSOFT,
        "MatMulNBits",
        List.of(
            x,
            graph.external(
                name + ".values", DataType.UINT8, m.outputs(), blocks, BlockInt8Weights.BLOCK_SIZE),
            graph.floats(name + ".scales", m.scales(), m.scales().length)),
        List.of(result),
        attribute("K", m.inputs()),
        attribute("N", m.outputs()),
        attribute("bits", 8),
        attribute("block_size", BlockInt8Weights.BLOCK_SIZE),
        // 4: activations are quantized to int8 by blocks, and the products are of integers.
        attribute("accuracy_level", 4));
  }
}
