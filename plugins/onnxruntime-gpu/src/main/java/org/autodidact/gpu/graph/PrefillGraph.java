package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * ONNX graphs that prefill P texts as N rows, one for each token that is computed: {@code
 * input_ids} [N]. What texts begin with alike is one row, and nothing is padded but attention's
 * input: {@code sequences} [P, S] says the row of each token of a text, right-padded by any row;
 * {@code places} [N] where in P × S a row is. Rows of an earlier run come first, {@code kept.l} [K,
 * queries, keys and values] for each layer: a row r ≥ K is the (r − K)th of this run. {@code
 * seqlens_k} [P] is a text's tokens, less one. Attention is that of whole texts, so that the kept
 * rows' is computed again; all else, which is most of the work, is not.
 *
 * <p>By fused operators one text may also go on after what its cache has: then its tokens in this
 * run are {@code sequences} [1, N], and {@code total_sequence_length} counts those before too. ONNX
 * Runtime's attention has that for one text alone. By plain operators the cache is an output alone,
 * and there is neither {@code seqlens_k} nor {@code total_sequence_length}.
 */
public final class PrefillGraph {
  private final OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
  private final CachedLayers layers;
  private final String normed;

  private PrefillGraph(ModelConfig config, ElementType type, Operators operators, boolean keeps) {
    DataType of = CachedLayers.dataType(type);
    this.layers =
        new CachedLayers(
            config,
            graph,
            type,
            operators,
            operators == Operators.PLAIN
                ? new PlainPrefillAttention(config, graph, of, "sequences")
                : new FusedAttention(config, graph, of, "P", "seqlens_k"));
    String ids = graph.input("input_ids", DataType.INT64, "N");
    graph.input("sequences", DataType.INT64, "P", "S");
    graph.input("places", DataType.INT64, "N");
    if (operators == Operators.FUSED) {
      graph.input("seqlens_k", DataType.INT32, "P");
    }
    layers.declare();
    for (int layer = 0; layer < config.layers(); layer++) {
      int width = layers.queriesKeysValues();
      graph.input("kept." + layer, CachedLayers.dataType(type), "K", width);
      if (keeps) {
        graph.output("rows." + layer, CachedLayers.dataType(type), "N", width);
      }
    }
    // Of the last layer nothing but keys and values is read where nothing is scored: ONNX Runtime
    // leaves out what follows.
    this.normed = layers.run(ids, new Rows(keeps));
  }

  /** Fills the cache. */
  public static byte[] filling(ModelConfig config, ElementType type, Operators operators) {
    return new PrefillGraph(config, type, operators, false).graph.toModel();
  }

  /** Fills the cache, and returns each layer's rows, {@code rows.l}, to be kept. */
  public static byte[] keeping(ModelConfig config, ElementType type) {
    return new PrefillGraph(config, type, Operators.FUSED, true).graph.toModel();
  }

  /**
   * Scores tokens: {@code rows} [R], the rows of this run whose next token is scored, {@code
   * targets} [T, 2], an index into {@code rows} and the token that is scored there; the output is
   * {@code log_probabilities} [T].
   */
  public static byte[] scoring(ModelConfig config, ElementType type, Operators operators) {
    PrefillGraph prefill = new PrefillGraph(config, type, operators, false);
    OnnxGraphBuilder graph = prefill.graph;
    String rows = graph.input("rows", DataType.INT64, "R");
    String targets = graph.input("targets", DataType.INT64, "T", 2);
    String logits = prefill.layers.logits(graph.node("Gather", prefill.normed, rows));
    String all = graph.node("LogSoftmax", List.of(logits), attribute("axis", -1));
    graph.node("", "GatherND", List.of(all, targets), List.of("log_probabilities"));
    graph.output("log_probabilities", DataType.FLOAT, "T");
    return graph.toModel();
  }

  /** Sequences that are gathered from the rows. */
  private final class Rows implements CachedLayers.Sequences {
    private final boolean keeps;

    Rows(boolean keeps) {
      this.keeps = keeps;
    }

    @Override
    public String all(int layer, String rows) {
      String found = rows;
      if (keeps) {
        found = "rows." + layer;
        graph.node("", "Identity", List.of(rows), List.of(found));
      }
      return graph.node("Concat", List.of("kept." + layer, found), attribute("axis", 0));
    }

    @Override
    public String of(String rows) {
      return graph.node("Gather", rows, "sequences");
    }

    @Override
    public String rows(String attended) {
      return graph.node("Gather", attended, "places");
    }
  }
}
