package org.autodidact.onnxruntime.gpu;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import java.util.stream.LongStream;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * Draws tokens within a graph, of plain ONNX. For each of B rows the graph has {@code
 * inverse_temperature}, {@code top_k}, {@code top_p} and {@code min_p} [B, 1].
 *
 * <p>The draw is {@link Sampler}'s where there is a top-p, top-k or min-p: likeliest first, equal
 * ones by the lower id, in double. The most likely token is a top-k of 1. To sort a vocabulary
 * takes a GPU longer than to read a token, so that all tokens are sorted only where some row's draw
 * may fall beyond its {@link #FEW} likeliest.
 */
final class SamplingNodes {
  private static final int FEW = 1024;

  /** ONNX Runtime's CUDA adds up anew for each place of a sum; blocks bound that. */
  private static final int BLOCK = 128;

  private final OnnxGraphBuilder graph;

  private SamplingNodes(OnnxGraphBuilder graph) {
    this.graph = graph;
  }

  /** Adds what all draws read to a graph; its branches may draw then. */
  static void prepare(OnnxGraphBuilder graph, int vocabulary) {
    prepare(graph, "few", Math.min(FEW, vocabulary));
    prepare(graph, "all", vocabulary);
  }

  private static void prepare(OnnxGraphBuilder graph, String name, int count) {
    int blocks = (count + BLOCK - 1) / BLOCK;
    graph.longs(name, count);
    graph.longs(name + ".ranks", LongStream.range(0, count).toArray());
    graph.longs(name + ".padding", 0, 0, 0, (long) blocks * BLOCK - count);
    graph.longs(name + ".blocks", 0, blocks, BLOCK);
    graph.longs(name + ".row", 0, (long) blocks * BLOCK);
  }

  /** What a row's draw is made of; {@code least} is what min-p asks for, {@code zero} 0 [B, 1]. */
  private record Row(String tempered, String p, String least, String zero, String uniform) {}

  /** The likeliest tokens, in order: of what is left of them by top-k and min-p, p and its sum. */
  private record Likeliest(String name, String ids, String p, String left, String mass) {}

  /**
   * A token for each row, [B, 1].
   *
   * @param logits [B, V]
   * @param uniform in [0, 1), [B, 1]
   */
  static String draw(OnnxGraphBuilder graph, String logits, String uniform) {
    return new SamplingNodes(graph).draw(logits, uniform);
  }

  private String draw(String logits, String uniform) {
    String tempered = graph.node("Mul", List.of(logits, "inverse_temperature"));
    String softmax = graph.node("Softmax", List.of(tempered), attribute("axis", -1));
    String p = graph.node("Cast", List.of(softmax), attribute("to", DataType.DOUBLE_VALUE));
    String most = graph.node("ReduceMax", List.of(p), attribute("axes", List.of(1L)));
    String least = graph.node("Mul", List.of(most, "min_p"));
    String zero = graph.node("Sub", List.of(most, most));
    Row row = new Row(tempered, p, least, zero, uniform);
    Likeliest few = likeliest("few", row);

    // What all tokens would leave: by top-k no more than the few, else what min-p does; a top-k
    // between the few and all leaves what only sorting tells.
    String within = graph.node("LessOrEqual", List.of("top_k", "few"));
    String heavy = graph.node("GreaterOrEqual", List.of(p, least));
    String heavyMass = sum(graph.node("Where", List.of(heavy, p, zero)));
    String mass = graph.node("Where", List.of(within, few.mass(), heavyMass));
    String weakest = graph.node("ReduceMin", List.of(few.p()), attribute("axes", List.of(1L)));
    String share = graph.node("Mul", List.of(mass, "top_p"));
    String reached = graph.node("GreaterOrEqual", List.of(few.mass(), share));
    String unranked = graph.node("GreaterOrEqual", List.of("top_k", "all"));
    String nucleus = graph.node("And", List.of(reached, unranked));
    String cut = graph.node("Or", List.of(nucleus, graph.node("Less", List.of(weakest, least))));
    String enough = graph.node("Or", List.of(within, cut));

    OnnxGraphBuilder among = graph.branch(enough + ".few");
    among.output(new SamplingNodes(among).pick(few, share, row), DataType.INT64, "B", 1);
    OnnxGraphBuilder others = graph.branch(enough + ".all");
    SamplingNodes beyond = new SamplingNodes(others);
    Likeliest all = beyond.likeliest("all", row);
    String ofAll = others.node("Mul", List.of(all.mass(), "top_p"));
    others.output(beyond.pick(all, ofAll, row), DataType.INT64, "B", 1);
    return graph.choice(graph.all(enough), among, others);
  }

  private Likeliest likeliest(String name, Row row) {
    String sorted = row.tempered() + "." + name;
    String ids = sorted + ".ids";
    graph.node(
        "", "TopK", List.of(row.tempered(), name), List.of(sorted, ids), attribute("axis", -1));
    String p = graph.node("GatherElements", List.of(row.p(), ids), attribute("axis", 1));
    String ranked = graph.node("Less", List.of(name + ".ranks", "top_k"));
    String heavy = graph.node("GreaterOrEqual", List.of(p, row.least()));
    String kept = graph.node("And", List.of(ranked, heavy));
    String left = graph.node("Where", List.of(kept, p, row.zero()));
    return new Likeliest(name, ids, p, left, sum(left));
  }

  /**
   * The nucleus is what comes before top-p's share is reached; a token by the number's part of it.
   */
  private String pick(Likeliest of, String share, Row row) {
    String left = graph.node("Pad", List.of(of.left(), of.name() + ".padding"));
    String upTo = cumulative(left, of.name());
    String before = graph.node("Sub", List.of(upTo, left));
    String inside =
        graph.node(
            "And",
            List.of(
                graph.node("Greater", List.of(left, row.zero())),
                graph.node("Less", List.of(before, share))));
    String nucleus = sum(graph.node("Where", List.of(inside, left, row.zero())));
    String aim = graph.node("Mul", List.of(row.uniform(), nucleus));
    String passed = count(graph.node("LessOrEqual", List.of(upTo, aim)));
    String last = graph.node("Sub", List.of(count(inside), graph.scalar(1)));
    String rank = graph.node("Min", List.of(passed, last));
    return graph.node("GatherElements", List.of(of.ids(), rank), attribute("axis", 1));
  }

  private String cumulative(String x, String name) {
    String blocks = graph.node("Reshape", List.of(x, name + ".blocks"));
    String inBlock = graph.node("CumSum", List.of(blocks, graph.scalar(2)));
    String end =
        graph.node(
            "Gather",
            List.of(inBlock, graph.longs(inBlock + ".end", BLOCK - 1)),
            attribute("axis", 2));
    String before = graph.node("CumSum", List.of(end, graph.scalar(1)), attribute("exclusive", 1));
    String upTo = graph.node("Add", List.of(inBlock, before));
    return graph.node("Reshape", List.of(upTo, name + ".row"));
  }

  private String sum(String x) {
    return graph.node("ReduceSum", List.of(x, "axis.1"));
  }

  /** How many of each row are true, [B, 1]. */
  private String count(String booleans) {
    return sum(graph.node("Cast", List.of(booleans), attribute("to", DataType.INT64_VALUE)));
  }
}
