package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * Adds attention to shared prefixes ({@link SharedPrefixes}) to a layer's attention. The queries of
 * all sequences and heads that read the same keys are one matrix, so that keys and values are read
 * once, not once a sequence and head (Hydragen: Juravsky et al., 2024).
 *
 * <p>The softmax over the three parts (own, group, template) is exact: a part's Σ exp is exp of its
 * highest score over that score's weight within the part. No logarithm is taken: ONNX Runtime
 * rounds it otherwise at the end of a tensor than within, which would make a sequence depend on its
 * index.
 *
 * <p>Inputs, besides {@link DecoderGraph}'s: {@code shares_prefixes}, false where a run has none
 * and the others are ignored; {@code positions} [B, S]; {@code group_sequences} [G × K], the
 * sequence at each index of a group; {@code sequence_indices} [B], its inverse; {@code group_mask}
 * [G, 1, 1, P], {@code own_mask} [B, 1, 1, T] and {@code template_mask} [1, 1, 1, C], true where
 * there is a token; {@code group.l.key|value} [G, key-value heads, P, head size]; {@code
 * template.l.key|value} [1, key-value heads, C, head size]; and shapes, {@code group_split} = (G,
 * K, key-value heads, queries a head, head size), {@code group_heads} = (G, key-value heads, K ×
 * queries a head, head size), {@code group_back} = (G, key-value heads, K, queries a head, head
 * size + 2), and those of one group of all sequences: {@code template_split}, {@code
 * template_heads}, {@code template_back}.
 */
public final class PrefixAttentionNodes {
  private final ModelConfig config;
  private final OnnxGraphBuilder graph;
  private final float scale;

  /**
   * Attention within one part: the output [B, heads, head size], the highest score and its softmax
   * weight within the part, [B, heads, 1] each.
   */
  private record Part(String output, String maxScore, String maxWeight) {}

  PrefixAttentionNodes(ModelConfig config, OnnxGraphBuilder graph, float scale) {
    this.config = config;
    this.graph = graph;
    this.scale = scale;
    graph.input("shares_prefixes", DataType.BOOL, 1);
    graph.input("positions", DataType.INT64, "B", "S");
    graph.input("group_sequences", DataType.INT64, "GK");
    graph.input("sequence_indices", DataType.INT64, "sequences");
    graph.input("own_mask", DataType.BOOL, "masked", 1, 1, "own");
    for (String part : List.of("group", "template")) {
      graph.input(part + "_mask", DataType.BOOL, part, 1, 1, part + "_capacity");
      graph.input(part + "_split", DataType.INT64, 5);
      graph.input(part + "_heads", DataType.INT64, 4);
      graph.input(part + "_back", DataType.INT64, 5);
    }
    int size = config.headSize();
    graph.longs("merged_heads", -1, (long) config.heads() * size);
    graph.longs("split_heads", -1, config.heads(), size);
    graph.longs("split_heads_and_two", -1, config.heads(), size + 2);
    graph.longs("split_heads_one", -1, config.heads(), 1);
    graph.longs("head_and_two", size, 1, 1);
    graph.longs("part_sizes", 1, 1, 1);
    graph.floats("masked_score", new float[] {-1e9f});
    graph.longs("first", 0);
    graph.longs("queries_end", (long) config.heads() * size);
    graph.longs("columns", 1);
  }

  /**
   * A layer's attention over all parts, [B × S, width].
   *
   * @param queries [B × S, …], without RoPE; keys and values may follow in a row
   * @param own the attention's output within the sequences' own cache, [B, S, width]
   * @param scores its scores before the softmax, [B, heads, S, T], undefined beyond a length
   */
  String attend(int layer, String queries, String own, String scores) {
    for (String part : List.of("group", "template")) {
      for (String kind : List.of("key", "value")) {
        graph.input(
            part + "." + layer + "." + kind,
            DataType.FLOAT,
            part,
            config.keyValueHeads(),
            part + "_capacity",
            config.headSize());
      }
    }
    OnnxGraphBuilder with = graph.branch("with." + layer);
    String all = "all." + layer;
    with.node(
        "",
        "Reshape",
        List.of(allParts(with, layer, queries, own, scores), "merged_heads"),
        List.of(all));
    with.output(all, DataType.FLOAT, "rows", "width");
    OnnxGraphBuilder without = graph.branch("without." + layer);
    String alone = "alone." + layer;
    without.node("", "Reshape", List.of(own, "merged_heads"), List.of(alone));
    without.output(alone, DataType.FLOAT, "rows", "width");
    return graph.ifElse("shares_prefixes", with, without);
  }

  private String allParts(
      OnnxGraphBuilder g, int layer, String queries, String own, String scores) {
    String first = g.node("Slice", queries, "first", "queries_end", "columns");
    String rotated = "rotated." + layer;
    g.node(
        MICROSOFT,
        "RotaryEmbedding",
        List.of(g.node("Unsqueeze", first, "columns"), "positions", "cos", "sin"),
        List.of(rotated));
    String rows = g.node("Reshape", rotated, "merged_heads");
    String grouped = attendToPrefix(g, layer, "group", g.node("Gather", rows, "group_sequences"));
    List<Part> parts =
        List.of(
            ownPart(g, own, scores),
            split(g, g.node("Gather", grouped, "sequence_indices")),
            split(g, attendToPrefix(g, layer, "template", rows)));
    List<String> sums = sums(g, parts);
    String sum = g.node("Mul", parts.get(0).output(), sums.get(0));
    String total = sums.get(0);
    for (int i = 1; i < parts.size(); i++) {
      String weighted = g.node("Mul", parts.get(i).output(), sums.get(i));
      sum = g.node("Add", sum, weighted);
      total = g.node("Add", total, sums.get(i));
    }
    return g.node("Div", sum, total);
  }

  /** Σ exp of each part's scores, relative to one number; [B, heads, 1] each. */
  private static List<String> sums(OnnxGraphBuilder g, List<Part> parts) {
    String maxScores =
        g.node("Concat", parts.stream().map(Part::maxScore).toList(), attribute("axis", 2));
    String maxWeights =
        g.node("Concat", parts.stream().map(Part::maxWeight).toList(), attribute("axis", 2));
    String all =
        g.node("Div", g.node("Softmax", List.of(maxScores), attribute("axis", 2)), maxWeights);
    List<String> each = List.of(all + ".own", all + ".group", all + ".template");
    g.node("", "Split", List.of(all, "part_sizes"), each, attribute("axis", 2));
    return each;
  }

  /**
   * Attention of queries [G × K, width] to a prefix: output, highest score and its weight side by
   * side, [G × K, heads, head size + 2].
   */
  private String attendToPrefix(OnnxGraphBuilder g, int layer, String part, String queries) {
    String split = g.node("Reshape", queries, part + "_split");
    String byHead = g.node("Reshape", swapped(g, split), part + "_heads");
    String raw = part + "_scores." + layer;
    g.node(
        MICROSOFT,
        "FusedMatMul",
        List.of(byHead, part + "." + layer + ".key"),
        List.of(raw),
        attribute("transB", 1),
        attribute("alpha", scale));
    String scores = g.node("Where", part + "_mask", raw, "masked_score");
    String weights = g.node("Softmax", List.of(scores), attribute("axis", -1));
    String values = g.node("MatMul", weights, part + "." + layer + ".value");
    String found =
        g.node(
            "Concat", List.of(values, g.max(scores, 3), g.max(weights, 3)), attribute("axis", 3));
    String back = swapped(g, g.node("Reshape", found, part + "_back"));
    return g.node("Reshape", back, "split_heads_and_two");
  }

  private static Part split(OnnxGraphBuilder g, String both) {
    Part part = new Part(both + ".output", both + ".max_score", both + ".max_weight");
    g.node(
        "",
        "Split",
        List.of(both, "head_and_two"),
        List.of(part.output(), part.maxScore(), part.maxWeight()),
        attribute("axis", 2));
    return part;
  }

  private static Part ownPart(OnnxGraphBuilder g, String own, String scores) {
    String masked = g.node("Where", "own_mask", scores, "masked_score");
    String weights = g.node("Softmax", List.of(masked), attribute("axis", -1));
    return new Part(
        g.node("Reshape", own, "split_heads"),
        g.node("Reshape", g.max(masked, 3), "split_heads_one"),
        g.node("Reshape", g.max(weights, 3), "split_heads_one"));
  }

  /** [G, K, heads, …] as [G, heads, K, …], or back: swaps the second and third dimension. */
  private static String swapped(OnnxGraphBuilder g, String x) {
    return g.node("Transpose", List.of(x), attribute("perm", List.of(0L, 2L, 1L, 3L, 4L)));
  }
}
