package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.graph.StepGraph.Row;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * ONNX graph of a decoding step's layers alone, of standard ONNX, for any number of slots and
 * tokens: inputs weights, {@code state} [6, B] as {@link StepGraph}'s, and the cache, which it
 * reads; outputs {@code logits} [B, V] in float32 and the token's keys and values, as {@link
 * PlainStepAttention} says. {@link StepGraph#sampling} does the rest.
 */
public final class StepLayersGraph {
  private StepLayersGraph() {}

  /** The serialized model. */
  public static byte[] build(ModelConfig config, ElementType type) {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.longs("vector", -1);
    graph.longs("axis.1", 1);
    graph.input("state", DataType.INT64, Row.values().length, "B");
    List<String> rows = new ArrayList<>();
    for (Row row : Row.values()) {
      rows.add("state." + row.ordinal());
    }
    graph.node("", "Split", List.of("state"), rows, attribute("axis", 0));
    String positions = graph.node("Reshape", StepGraph.row(Row.LENGTH), "vector");
    CachedLayers layers =
        new CachedLayers(
            config,
            graph,
            type,
            Operators.PLAIN,
            new PlainStepAttention(config, graph, CachedLayers.dataType(type), positions));
    layers.declare();
    String ids = graph.node("Reshape", StepGraph.row(Row.TOKEN), "vector");
    String logits = layers.logits(layers.run(ids, new OneTokenEach(graph)));
    graph.node("", "Identity", List.of(logits), List.of("logits"));
    graph.output("logits", DataType.FLOAT, "B", config.vocabularySize());
    return graph.toModel();
  }

  /** Each slot's sequence is its one token, which is a row. */
  record OneTokenEach(OnnxGraphBuilder graph) implements CachedLayers.Sequences {
    @Override
    public String all(int layer, String rows) {
      return rows;
    }

    @Override
    public String of(String rows) {
      return graph.node("Unsqueeze", rows, "axis.1");
    }

    @Override
    public String rows(String attended) {
      return attended;
    }
  }
}
