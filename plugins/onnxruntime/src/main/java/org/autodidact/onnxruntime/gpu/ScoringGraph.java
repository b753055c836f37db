package org.autodidact.onnxruntime.gpu;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * ONNX graph that scores tokens of texts, without cache or loop, with a number a token as output.
 * Of standard ONNX, so that TensorRT takes it whole.
 *
 * <p>B texts of S tokens (right-padded): inputs {@code input_ids} [B, S]; {@code rows} [R], the
 * tokens whose next one is scored, indices into B × S; {@code targets} [T, 2], an index into {@code
 * rows} and the token that is scored there. Output: {@code log_probabilities} [T]. Padding follows
 * all wanted tokens, so that none attends to it.
 */
public final class ScoringGraph {
  private ScoringGraph() {}

  /** The serialized model. */
  public static byte[] build(ModelFolder model) {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(OrtDecoder.weightFolder(model));
    GpuDecoderLayers decoder = GpuDecoderLayers.in(model, graph, true);
    String ids = graph.input("input_ids", DataType.INT64, "B", "S");
    String rows = graph.input("rows", DataType.INT64, "R");
    String targets = graph.input("targets", DataType.INT64, "T", 2);
    String positions = decoder.positions(ids);
    GpuDecoderLayers.Output output =
        decoder.layers(ids, positions, positions, List.of(), List.of());
    String logits = decoder.logits(graph.node("Gather", output.hidden(), rows));
    String all = graph.node("LogSoftmax", List.of(logits), attribute("axis", -1));
    graph.node("", "GatherND", List.of(all, targets), List.of("log_probabilities"));
    graph.output("log_probabilities", DataType.FLOAT, "T");
    return graph.toModel();
  }
}
