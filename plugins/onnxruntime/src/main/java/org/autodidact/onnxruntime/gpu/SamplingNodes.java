package org.autodidact.onnxruntime.gpu;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import java.util.stream.LongStream;
import org.autodidact.api.SamplingParameters;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * Nodes that sample tokens within a graph, of standard ONNX. For each of B sequences the graph has
 * {@code inverse_temperature}, {@code top_k} (of {@link #topK}), {@code top_p} and {@code min_p}
 * [B, 1].
 *
 * <p>Samples as {@link Sampler} does, in double: likeliest first, equal ones by the lower id; where
 * neither top-p, top-k nor min-p leaves any out, by id, without sorting. Sorting a vocabulary takes
 * a GPU longer than a decode step, so all tokens are sorted only where some sequence's sample may
 * be none of its {@link #FEW} likeliest.
 */
public final class SamplingNodes {
  /** Likeliest tokens that are sorted first (not measured). */
  private static final int FEW = 1024;

  /**
   * Numbers of a cumulative sum: ONNX Runtime's CUDA sums each from the start, which tiles limit.
   */
  private static final int SCAN_TILE = 128;

  private final OnnxGraphBuilder graph;

  private SamplingNodes(OnnxGraphBuilder graph) {
    this.graph = graph;
  }

  /**
   * What the graph's {@code top_k} is: 1 for greedy decoding, more than there are tokens where
   * nothing leaves any out.
   */
  public static long topK(SamplingParameters sampling, int vocabulary) {
    if (sampling.temperature() == 0) {
      return 1;
    }
    if (sampling.topK() > 0) {
      return Math.min(sampling.topK(), vocabulary);
    }
    boolean all = sampling.topP() == 1 && sampling.minP() == 0;
    return all ? vocabulary + 1L : vocabulary;
  }

  /** Adds the constants that sampling reads to a graph; its subgraphs may sample then. */
  public static void prepare(OnnxGraphBuilder graph, int vocabulary) {
    prepareLikeliest(graph, vocabulary, FEW);
    graph.longs("all.ranks", LongStream.range(0, vocabulary).toArray());
  }

  /** The same for {@link #sampleLikeliest}, from {@code few} tokens. */
  public static void prepareLikeliest(OnnxGraphBuilder graph, int vocabulary, int few) {
    int sorted = Math.min(few, vocabulary);
    prepare(graph, "few", sorted);
    graph.longs("few.ranks", LongStream.range(0, sorted).toArray());
    prepare(graph, "all", vocabulary);
    graph.longs("tile", SCAN_TILE);
    graph.longs("tile.axis", 2);
    graph.longs("tile.ranks", LongStream.range(0, SCAN_TILE).toArray());
    graph.longs("tile.last", SCAN_TILE - 1);
  }

  private static void prepare(OnnxGraphBuilder graph, String name, int count) {
    int tiles = (count + SCAN_TILE - 1) / SCAN_TILE;
    graph.longs(name, count);
    graph.longs(name + ".padding", 0, 0, 0, (long) tiles * SCAN_TILE - count);
    graph.longs(name + ".tiles", 0, tiles, SCAN_TILE);
    graph.longs(name + ".row", 0, (long) tiles * SCAN_TILE);
    graph.longs(name + ".end", tiles - 1L);
  }

  /**
   * Logits / temperature [B, V], their probabilities in double, the probability that min-p asks
   * for, 0 and the random number [B, 1].
   */
  private record Distribution(
      String tempered, String p, String minimum, String zero, String uniform) {}

  /**
   * The likeliest tokens in order [B, count]: ids, probabilities, those that top-k and min-p keep
   * (0 for the others), and the sum of these [B, 1].
   */
  private record Ranked(String name, String ids, String p, String kept, String mass) {}

  /**
   * Samples a token for each sequence, [B, 1].
   *
   * @param logits [B, V]
   * @param uniform in [0, 1), [B, 1]
   */
  public static String sample(OnnxGraphBuilder graph, String logits, String uniform) {
    return new SamplingNodes(graph).sample(logits, uniform);
  }

  /**
   * Tokens sampled from the likeliest alone.
   *
   * @param tokens [B, 1]
   * @param enough whether each is the token that {@link #sample} gives, [B, 1]; else it is
   *     undefined
   */
  public record Likeliest(String tokens, String enough) {}

  /** As {@link #sample} without a branch, which a captured CUDA graph cannot have. */
  public static Likeliest sampleLikeliest(OnnxGraphBuilder graph, String logits, String uniform) {
    SamplingNodes nodes = new SamplingNodes(graph);
    Few few = nodes.few(logits, uniform);
    String likeliest = nodes.pick(few.ranked(), few.nucleusMass(), few.distribution());
    return new Likeliest(nodes.unlessOfAll(few, likeliest), few.enough());
  }

  /**
   * The likeliest, the mass that top-p asks for, where no other token of these can be sampled, and
   * where none is left out, so that it is sampled by id.
   */
  private record Few(
      Distribution distribution, Ranked ranked, String nucleusMass, String enough, String ofAll) {}

  private Few few(String logits, String uniform) {
    String tempered = graph.node("Mul", logits, "inverse_temperature");
    String softmax = graph.node("Softmax", List.of(tempered), attribute("axis", -1));
    String p = graph.node("Cast", List.of(softmax), attribute("to", DataType.DOUBLE_VALUE));
    String max = graph.node("ReduceMax", List.of(p), attribute("axes", List.of(1L)));
    String minimum = graph.node("Mul", max, "min_p");
    String zero = graph.node("Sub", max, max);
    Distribution distribution = new Distribution(tempered, p, minimum, zero, uniform);
    Ranked few = ranked("few", distribution);

    // The mass that is kept of all tokens: within the few by a top-k, else by min-p. A top-k
    // between the few and all is known only after sorting.
    String within = graph.node("LessOrEqual", "top_k", "few");
    String likely = graph.node("GreaterOrEqual", p, minimum);
    String likelyMass = sum(graph.node("Where", likely, p, zero));
    String mass = graph.node("Where", within, few.mass(), likelyMass);
    String weakest = graph.node("ReduceMin", List.of(few.p()), attribute("axes", List.of(1L)));
    String nucleusMass = graph.node("Mul", mass, "top_p");
    String reached = graph.node("GreaterOrEqual", few.mass(), nucleusMass);
    String unranked = graph.node("GreaterOrEqual", "top_k", "all");
    String nucleus = graph.node("And", reached, unranked);
    String cut = graph.node("Or", nucleus, graph.node("Less", weakest, minimum));
    String ofAll = graph.node("Greater", "top_k", "all");
    String enough = graph.node("Or", graph.node("Or", within, cut), ofAll);
    return new Few(distribution, few, nucleusMass, enough, ofAll);
  }

  /** The token that is sampled by id where none is left out; else the one given. */
  private String unlessOfAll(Few few, String likeliest) {
    return graph.node("Where", few.ofAll(), byId(few.distribution()), likeliest);
  }

  /**
   * Samples of all tokens in the order of their ids: first the tile by the tiles' sums, then the
   * token within it, so that all are read once and few are cumulated.
   */
  private String byId(Distribution distribution) {
    String p = graph.node("Pad", distribution.p(), "all.padding");
    String sums =
        graph.node(
            "ReduceSum",
            List.of(graph.node("Reshape", p, "all.tiles"), "tile.axis"),
            attribute("keepdims", 0));
    String upTo = graph.node("CumSum", sums, graph.longScalar(1));
    String aim = graph.node("Mul", distribution.uniform(), at(upTo, "all.end"));
    String passes = graph.node("LessOrEqual", upTo, aim);
    String before = sum(graph.node("Where", passes, sums, distribution.zero()));

    String first = graph.node("Mul", count(passes), "tile");
    String ids = graph.node("Add", first, "tile.ranks");
    String ofTile = graph.node("GatherElements", List.of(p, ids), attribute("axis", 1));
    String within = graph.node("CumSum", ofTile, graph.longScalar(1));
    String passed = count(graph.node("LessOrEqual", within, graph.node("Sub", aim, before)));
    // Where rounding passes the whole tile, its last token with a probability.
    String last = count(graph.node("Less", within, at(within, "tile.last")));
    return graph.node("Add", first, graph.node("Min", passed, last));
  }

  /** A column, [B, 1]. */
  private String at(String x, String column) {
    return graph.node("Gather", List.of(x, column), attribute("axis", 1));
  }

  private String sample(String logits, String uniform) {
    Few few = few(logits, uniform);
    Distribution distribution = few.distribution();
    String enough = few.enough();
    OnnxGraphBuilder pickFew = graph.branch(enough + ".few");
    pickFew.output(
        new SamplingNodes(pickFew).pick(few.ranked(), few.nucleusMass(), distribution),
        DataType.INT64,
        "B",
        1);
    OnnxGraphBuilder sortAll = graph.branch(enough + ".all");
    SamplingNodes beyond = new SamplingNodes(sortAll);
    Ranked all = beyond.ranked("all", distribution);
    String ofAll = sortAll.node("Mul", all.mass(), "top_p");
    sortAll.output(beyond.pick(all, ofAll, distribution), DataType.INT64, "B", 1);
    return unlessOfAll(few, graph.ifElse(graph.allTrue(enough), pickFew, sortAll));
  }

  private Ranked ranked(String name, Distribution distribution) {
    String sorted = distribution.tempered() + "." + name;
    String ids = sorted + ".ids";
    graph.node(
        "",
        "TopK",
        List.of(distribution.tempered(), name),
        List.of(sorted, ids),
        attribute("axis", -1));
    String p = graph.node("GatherElements", List.of(distribution.p(), ids), attribute("axis", 1));
    String withinTopK = graph.node("Less", name + ".ranks", "top_k");
    String likely = graph.node("GreaterOrEqual", p, distribution.minimum());
    String keeps = graph.node("And", withinTopK, likely);
    String kept = graph.node("Where", keeps, p, distribution.zero());
    return new Ranked(name, ids, p, kept, sum(kept));
  }

  /**
   * Picks a token of the nucleus: the tokens before the cumulative mass reaches {@code
   * nucleusMass}.
   */
  private String pick(Ranked of, String nucleusMass, Distribution distribution) {
    String kept = graph.node("Pad", of.kept(), of.name() + ".padding");
    String upTo = cumulative(kept, of.name());
    String before = graph.node("Sub", upTo, kept);
    String inside =
        graph.node(
            "And",
            graph.node("Greater", kept, distribution.zero()),
            graph.node("Less", before, nucleusMass));
    String nucleus = sum(graph.node("Where", inside, kept, distribution.zero()));
    String aim = graph.node("Mul", distribution.uniform(), nucleus);
    String passed = count(graph.node("LessOrEqual", upTo, aim));
    String last = graph.node("Sub", count(inside), graph.longScalar(1));
    String rank = graph.node("Min", passed, last);
    return graph.node("GatherElements", List.of(of.ids(), rank), attribute("axis", 1));
  }

  private String cumulative(String x, String name) {
    String tiles = graph.node("Reshape", x, name + ".tiles");
    String inTile = graph.node("CumSum", tiles, graph.longScalar(2));
    String end =
        graph.node(
            "Gather",
            List.of(inTile, graph.longs(inTile + ".end", SCAN_TILE - 1)),
            attribute("axis", 2));
    String before =
        graph.node("CumSum", List.of(end, graph.longScalar(1)), attribute("exclusive", 1));
    String upTo = graph.node("Add", inTile, before);
    return graph.node("Reshape", upTo, name + ".row");
  }

  private String sum(String x) {
    return graph.node("ReduceSum", x, "axis.1");
  }

  /** How many booleans of each row are true, [B, 1]. */
  private String count(String booleans) {
    return sum(graph.node("Cast", List.of(booleans), attribute("to", DataType.INT64_VALUE)));
  }
}
