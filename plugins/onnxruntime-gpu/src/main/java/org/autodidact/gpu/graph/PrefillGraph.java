package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * ONNX graphs that prefill P texts of S tokens, right-padded: inputs {@code input_ids} [P, S] and
 * {@code seqlens_k} [P] (a text's tokens, less one) beside weights and cache. One fills the cache
 * alone; the other scores, with {@code rows} [R], the tokens whose next one is scored as indices
 * into P × S, {@code targets} [N, 2], an index into {@code rows} and the token that is scored
 * there, and the output {@code log_probabilities} [N].
 */
public final class PrefillGraph {
  private PrefillGraph() {}

  /** Fills the cache. */
  public static byte[] filling(ModelConfig config, ElementType type) {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    layers(config, type, graph);
    return graph.toModel();
  }

  /** Scores tokens. */
  public static byte[] scoring(ModelConfig config, ElementType type) {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    Prefilled prefilled = layers(config, type, graph);
    String rows = graph.input("rows", DataType.INT64, "R");
    String targets = graph.input("targets", DataType.INT64, "N", 2);
    String logits = prefilled.layers().logits(graph.node("Gather", prefilled.hidden(), rows));
    String all = graph.node("LogSoftmax", List.of(logits), attribute("axis", -1));
    graph.node("", "GatherND", List.of(all, targets), List.of("log_probabilities"));
    graph.output("log_probabilities", DataType.FLOAT, "N");
    return graph.toModel();
  }

  private record Prefilled(CachedLayers layers, String hidden) {}

  private static Prefilled layers(ModelConfig config, ElementType type, OnnxGraphBuilder graph) {
    CachedLayers layers = new CachedLayers(config, graph, type);
    layers.declare("P");
    String ids = graph.input("input_ids", DataType.INT64, "P", "S");
    graph.input("seqlens_k", DataType.INT32, "P");
    graph.longs("rest", -1);
    String shape =
        graph.node("Concat", List.of(graph.node("Shape", ids), "rest"), attribute("axis", 0));
    // Of the last layer nothing but keys and values is read where nothing is scored: ONNX Runtime
    // leaves out what follows.
    return new Prefilled(layers, layers.run(ids, "seqlens_k", shape));
  }
}
