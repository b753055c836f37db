package org.autodidact.onnxruntime;

import static org.autodidact.onnxruntime.OnnxGraph.MICROSOFT;
import static org.autodidact.onnxruntime.OnnxGraph.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;

/**
 * Adds to a layer's attention what its rows attend to in a prompt that they share with others
 * ({@link Prefixes}). The queries of all rows and heads that read the same keys are one matrix, so
 * a prompt's keys and values are read once, not once a row and head (Hydragen: Juravsky et al.,
 * 2024). The softmax over both parts is exact: with a = ln Σ exp of the scores of one part and b of
 * the other, the parts weigh σ(a − b) and σ(b − a).
 *
 * <p>Inputs, besides the graph's own: {@code shares_prefixes}, false where a run has none and the
 * others are ignored; {@code positions} [B, S]; {@code group_rows} [G × K], the row at each place
 * of a group; {@code row_slots} [B], its inverse; {@code prefix_bias} [G, 1, 1, P], 0 or very
 * small; {@code own_there} [B, 1, 1, T], whether a row has that place; {@code prefix.l.key|value}
 * [G, key-value heads, P, head size]; shapes {@code group_split} = (G, K, key-value heads, queries
 * a head, head size), {@code group_heads} = (G, key-value heads, K × queries a head, head size) and
 * {@code group_back}.
 */
final class PrefixAttention {
  private final ModelConfig config;
  private final OnnxGraph graph;
  private final float scale;

  PrefixAttention(ModelConfig config, OnnxGraph graph, float scale) {
    this.scale = scale;
    this.config = config;
    this.graph = graph;
    graph.input("shares_prefixes", DataType.BOOL, 1);
    graph.input("positions", DataType.INT64, "B", "S");
    graph.input("group_rows", DataType.INT64, "GK");
    graph.input("row_slots", DataType.INT64, "slots");
    graph.input("prefix_bias", DataType.FLOAT, "G", 1, 1, "P");
    graph.input("own_there", DataType.BOOL, "masked", 1, 1, "own");
    graph.input("group_split", DataType.INT64, 5);
    graph.input("group_heads", DataType.INT64, 4);
    graph.input("group_back", DataType.INT64, 5);
    int size = config.headSize();
    graph.longs("rows_width", -1, (long) config.heads() * size);
    graph.longs("rows_heads", -1, config.heads(), size);
    graph.longs("rows_heads_more", -1, config.heads(), size + 1);
    graph.longs("rows_heads_one", -1, config.heads(), 1);
    graph.longs("head_and_one", size, 1);
    graph.floats("nothing", new float[] {DecoderStream.NOTHING});
    graph.longs("first", 0);
    graph.longs("queries_end", (long) config.heads() * size);
    graph.longs("columns", 1);
  }

  /**
   * The attention of a layer over both parts, [B × S, width].
   *
   * @param packed queries, keys and values or queries alone [B × S, …], not rotated
   * @param own what the rows attend to in their own cache, [B, S, width]
   * @param scores its scores before the softmax, [B, heads, S, T], anything beyond a row's end
   */
  String attend(int layer, String packed, String own, String scores) {
    for (String what : List.of("key", "value")) {
      graph.input(
          "prefix." + layer + "." + what,
          DataType.FLOAT,
          "G",
          config.keyValueHeads(),
          "P",
          config.headSize());
    }
    OnnxGraph with = graph.branch("with." + layer);
    String result = "both." + layer;
    with.node(
        "",
        "Reshape",
        List.of(merged(with, layer, packed, own, scores), "rows_width"),
        List.of(result));
    with.output(result, DataType.FLOAT, "rows", "width");
    OnnxGraph without = graph.branch("without." + layer);
    without.node("", "Reshape", List.of(own, "rows_width"), List.of("own." + layer));
    without.output("own." + layer, DataType.FLOAT, "rows", "width");
    return graph.choice("shares_prefixes", with, without);
  }

  private String merged(OnnxGraph g, int layer, String packed, String own, String scores) {
    String queries = g.node("Slice", List.of(packed, "first", "queries_end", "columns"));
    String rotated = "rotated." + layer;
    g.node(
        MICROSOFT,
        "RotaryEmbedding",
        List.of(g.node("Unsqueeze", List.of(queries, "columns")), "positions", "cos", "sin"),
        List.of(rotated));
    String grouped =
        g.node("Gather", List.of(g.node("Reshape", List.of(rotated, "rows_width")), "group_rows"));
    String byHead =
        g.node(
            "Reshape",
            List.of(swapped(g, g.node("Reshape", List.of(grouped, "group_split"))), "group_heads"));
    String raw = "prefix_scores." + layer;
    g.node(
        MICROSOFT,
        "FusedMatMul",
        List.of(byHead, "prefix." + layer + ".key"),
        List.of(raw),
        attribute("transB", 1),
        attribute("alpha", scale));
    String biased = g.node("Add", List.of(raw, "prefix_bias"));
    String weights = g.node("Softmax", List.of(biased), attribute("axis", -1));
    String found =
        g.node(
            "Concat",
            List.of(
                g.node("MatMul", List.of(weights, "prefix." + layer + ".value")),
                logSum(g, biased, weights)),
            attribute("axis", 3));
    String back =
        g.node(
            "Gather",
            List.of(
                g.node(
                    "Reshape",
                    List.of(
                        swapped(g, g.node("Reshape", List.of(found, "group_back"))),
                        "rows_heads_more")),
                "row_slots"));
    String shared = "shared." + layer;
    String sharedSum = "shared_sum." + layer;
    g.node(
        "",
        "Split",
        List.of(back, "head_and_one"),
        List.of(shared, sharedSum),
        attribute("axis", 2));
    String ownBiased = g.node("Where", List.of("own_there", scores, "nothing"));
    String ownSum =
        g.node(
            "Reshape",
            List.of(
                logSum(g, ownBiased, g.node("Softmax", List.of(ownBiased), attribute("axis", -1))),
                "rows_heads_one"));
    String share = g.node("Sigmoid", List.of(g.node("Sub", List.of(sharedSum, ownSum))));
    String ownHeads = g.node("Reshape", List.of(own, "rows_heads"));
    return g.node(
        "Add",
        List.of(ownHeads, g.node("Mul", List.of(share, g.node("Sub", List.of(shared, ownHeads))))));
  }

  /** Swaps the second and third of five dimensions. */
  private static String swapped(OnnxGraph g, String x) {
    return g.node("Transpose", List.of(x), attribute("perm", List.of(0L, 2L, 1L, 3L, 4L)));
  }

  /** ln Σ exp of rows of scores, whose softmax is {@code weights}: max s − ln max w. */
  private static String logSum(OnnxGraph g, String scores, String weights) {
    return g.node("Sub", List.of(maximum(g, scores), g.node("Log", List.of(maximum(g, weights)))));
  }

  private static String maximum(OnnxGraph g, String x) {
    return g.node(
        "ReduceMax", List.of(x), attribute("axes", List.of(3L)), attribute("keepdims", 1));
  }
}
