package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * Adds to a layer's attention what its rows attend to in text that they share with others ({@link
 * SharedPrefixes}): the beginning that all rows have in common, and the prompt of a row's group.
 * The queries of all rows and heads that read the same keys are one matrix, so that keys and values
 * are read once, not once a row and head (Hydragen: Juravsky et al., 2024).
 *
 * <p>The softmax over all parts is exact: Σ exp of a part's scores is exp of the highest over that
 * one's weight within the part. It takes no logarithm: ONNX Runtime's rounds otherwise at the end
 * of a tensor than within, which would make a row depend on its place.
 *
 * <p>Inputs, besides the graph's own: {@code shares_prefixes}, false where a run has none and the
 * others are ignored; {@code positions} [B, S]; {@code group_rows} [G × K], the row at each place
 * of a group; {@code row_slots} [B], its inverse; {@code group_there} [G, 1, 1, P] and {@code
 * own_there} [B, 1, 1, T], whether there is such a place; {@code common_there} [1, 1, 1, C]; {@code
 * group.l.key|value} [G, key-value heads, P, head size]; {@code common.l.key|value} [1, key-value
 * heads, C, head size]; and shapes, {@code group_split} = (G, K, key-value heads, queries a head,
 * head size), {@code group_heads} = (G, key-value heads, K × queries a head, head size), {@code
 * group_back}, and the same of one group of all rows: {@code common_split}, {@code common_heads},
 * {@code common_back}.
 */
public final class PrefixAttentionNodes {
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final float scale;

  /**
   * What rows attend to in one part: [B, heads, head size]; the highest score and its weight within
   * the part, [B, heads, 1] each.
   */
  private record Part(String values, String peak, String likeliest) {}

  PrefixAttentionNodes(ModelConfig config, OnnxGraphBuilder graph, float scale) {
    this.config = config;
    this.graph = graph;
    this.scale = scale;
    graph.input("shares_prefixes", DataType.BOOL, 1);
    graph.input("positions", DataType.INT64, "B", "S");
    graph.input("group_rows", DataType.INT64, "GK");
    graph.input("row_slots", DataType.INT64, "slots");
    graph.input("own_there", DataType.BOOL, "masked", 1, 1, "own");
    for (String part : List.of("group", "common")) {
      graph.input(part + "_there", DataType.BOOL, part, 1, 1, part + "_places");
      graph.input(part + "_split", DataType.INT64, 5);
      graph.input(part + "_heads", DataType.INT64, 4);
      graph.input(part + "_back", DataType.INT64, 5);
    }
    int size = config.headSize();
    graph.longs("rows_width", -1, (long) config.heads() * size);
    graph.longs("rows_heads", -1, config.heads(), size);
    graph.longs("rows_heads_more", -1, config.heads(), size + 2);
    graph.longs("rows_heads_one", -1, config.heads(), 1);
    graph.longs("head_and_two", size, 1, 1);
    graph.longs("each_part", 1, 1, 1);
    graph.floats("nothing", new float[] {-1e9f});
    graph.longs("first", 0);
    graph.longs("queries_end", (long) config.heads() * size);
    graph.longs("columns", 1);
  }

  /**
   * The attention of a layer over all parts, [B × S, width].
   *
   * @param queries [B × S, …], not rotated; keys and values may follow in a row
   * @param own what the rows attend to in their own cache, [B, S, width]
   * @param scores its scores before the softmax, [B, heads, S, T], anything beyond a row's end
   */
  String attend(int layer, String queries, String own, String scores) {
    for (String part : List.of("group", "common")) {
      for (String what : List.of("key", "value")) {
        graph.input(
            part + "." + layer + "." + what,
            DataType.FLOAT,
            part,
            config.keyValueHeads(),
            part + "_places",
            config.headSize());
      }
    }
    OnnxGraphBuilder with = graph.branch("with." + layer);
    String all = "all." + layer;
    with.node(
        "",
        "Reshape",
        List.of(allParts(with, layer, queries, own, scores), "rows_width"),
        List.of(all));
    with.output(all, DataType.FLOAT, "rows", "width");
    OnnxGraphBuilder without = graph.branch("without." + layer);
    String alone = "alone." + layer;
    without.node("", "Reshape", List.of(own, "rows_width"), List.of(alone));
    without.output(alone, DataType.FLOAT, "rows", "width");
    return graph.choice("shares_prefixes", with, without);
  }

  private String allParts(
      OnnxGraphBuilder g, int layer, String queries, String own, String scores) {
    String first = g.node("Slice", List.of(queries, "first", "queries_end", "columns"));
    String rotated = "rotated." + layer;
    g.node(
        MICROSOFT,
        "RotaryEmbedding",
        List.of(g.node("Unsqueeze", List.of(first, "columns")), "positions", "cos", "sin"),
        List.of(rotated));
    String rows = g.node("Reshape", List.of(rotated, "rows_width"));
    String grouped = shared(g, layer, "group", g.node("Gather", List.of(rows, "group_rows")));
    List<Part> parts =
        List.of(
            ownPart(g, own, scores),
            split(g, g.node("Gather", List.of(grouped, "row_slots"))),
            split(g, shared(g, layer, "common", rows)));
    List<String> masses = masses(g, parts);
    String sum = g.node("Mul", List.of(parts.get(0).values(), masses.get(0)));
    String mass = masses.get(0);
    for (int i = 1; i < parts.size(); i++) {
      String weighted = g.node("Mul", List.of(parts.get(i).values(), masses.get(i)));
      sum = g.node("Add", List.of(sum, weighted));
      mass = g.node("Add", List.of(mass, masses.get(i)));
    }
    return g.node("Div", List.of(sum, mass));
  }

  /** Σ exp of each part's scores, all over one number; [B, heads, 1] each. */
  private static List<String> masses(OnnxGraphBuilder g, List<Part> parts) {
    String peaks = g.node("Concat", parts.stream().map(Part::peak).toList(), attribute("axis", 2));
    String likeliest =
        g.node("Concat", parts.stream().map(Part::likeliest).toList(), attribute("axis", 2));
    String all =
        g.node("Div", List.of(g.node("Softmax", List.of(peaks), attribute("axis", 2)), likeliest));
    List<String> each = List.of(all + ".own", all + ".group", all + ".common");
    g.node("", "Split", List.of(all, "each_part"), each, attribute("axis", 2));
    return each;
  }

  /** From queries [places of groups, width] to a part side by side, [places, heads, …]. */
  private String shared(OnnxGraphBuilder g, int layer, String part, String queries) {
    String split = g.node("Reshape", List.of(queries, part + "_split"));
    String byHead = g.node("Reshape", List.of(swapped(g, split), part + "_heads"));
    String raw = part + "_scores." + layer;
    g.node(
        MICROSOFT,
        "FusedMatMul",
        List.of(byHead, part + "." + layer + ".key"),
        List.of(raw),
        attribute("transB", 1),
        attribute("alpha", scale));
    String scores = g.node("Where", List.of(part + "_there", raw, "nothing"));
    String weights = g.node("Softmax", List.of(scores), attribute("axis", -1));
    String values = g.node("MatMul", List.of(weights, part + "." + layer + ".value"));
    String found =
        g.node(
            "Concat",
            List.of(values, maximum(g, scores), maximum(g, weights)),
            attribute("axis", 3));
    String back = swapped(g, g.node("Reshape", List.of(found, part + "_back")));
    return g.node("Reshape", List.of(back, "rows_heads_more"));
  }

  private static Part split(OnnxGraphBuilder g, String both) {
    Part part = new Part(both + ".values", both + ".peak", both + ".likeliest");
    g.node(
        "",
        "Split",
        List.of(both, "head_and_two"),
        List.of(part.values(), part.peak(), part.likeliest()),
        attribute("axis", 2));
    return part;
  }

  private static Part ownPart(OnnxGraphBuilder g, String own, String scores) {
    String there = g.node("Where", List.of("own_there", scores, "nothing"));
    String weights = g.node("Softmax", List.of(there), attribute("axis", -1));
    return new Part(
        g.node("Reshape", List.of(own, "rows_heads")),
        g.node("Reshape", List.of(maximum(g, there), "rows_heads_one")),
        g.node("Reshape", List.of(maximum(g, weights), "rows_heads_one")));
  }

  /** Swaps the second and third of five dimensions. */
  private static String swapped(OnnxGraphBuilder g, String x) {
    return g.node("Transpose", List.of(x), attribute("perm", List.of(0L, 2L, 1L, 3L, 4L)));
  }

  private static String maximum(OnnxGraphBuilder g, String x) {
    return g.node(
        "ReduceMax", List.of(x), attribute("axes", List.of(3L)), attribute("keepdims", 1));
  }
}
