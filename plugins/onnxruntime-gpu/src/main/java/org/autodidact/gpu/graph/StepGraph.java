package org.autodidact.gpu.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.autodidact.checkpoints.BackendCapabilities;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.gpu.SamplingNodes;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * ONNX graph of one decoding step of B slots: it reads each slot's last token, samples the next and
 * writes it to a log, all at fixed addresses and without a branch, so that a GPU captures it once
 * and the host launches it step after step without reading anything.
 *
 * <p>Inputs beside weights and cache: {@code state} [6, B], rows as {@link Row}; {@code tokens} and
 * {@code log_probabilities} [K, B], the log of K steps; {@code uniforms} [K + 1, B], the random
 * numbers in [0, 1) of these steps; for each slot {@code inverse_temperature}, {@code top_k},
 * {@code top_p}, {@code min_p} [B, 1]. Outputs: {@code next_state}, {@code next_tokens}, {@code
 * next_log_probabilities}, bound to the memory of their inputs.
 *
 * <p>That is safe as one node reads each of these inputs and the node that writes its output
 * depends on it: no later reader is left.
 */
public final class StepGraph {
  /** In the log in place of a token: the sample may be none of the likeliest; the slot waits. */
  public static final int UNDECIDED = -1;

  /** Rows of the state, each a number a slot. */
  public enum Row {
    /** The last token, which is not in the cache. */
    TOKEN,
    /** Tokens in the cache. */
    LENGTH,
    /** Tokens that may still be sampled. */
    LEFT,
    /** 1 where a token that ends the text does not end the sequence. */
    IGNORES_END,
    /** 1 where the slot samples; it becomes 0 at its end, and where it is undecided. */
    ACTIVE,
    /** Steps sampled since the host read: the row of the log that is next. */
    STEP
  }

  /**
   * What a step graph is made for.
   *
   * @param slots B
   * @param steps K, the most steps between two readings of the log
   * @param likeliest tokens that are sorted; 0 for all where needed, which branches
   */
  public record Shape(int slots, int steps, int likeliest) {
    boolean branches() {
      return likeliest == 0;
    }
  }

  private final ModelConfig config;
  private final Shape shape;
  private final ElementType type;
  private final OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));

  private StepGraph(ModelConfig config, Shape shape, ElementType type) {
    this.config = config;
    this.shape = shape;
    this.type = type;
  }

  /**
   * The serialized model of a whole step.
   *
   * @param ends tokens that end a text
   */
  public static byte[] build(ModelConfig config, long[] ends, Shape shape, ElementType type) {
    return new StepGraph(config, shape, type).build(ends, false);
  }

  /**
   * The serialized model of what comes after {@link StepLayersGraph}: it writes the keys and values
   * into the cache, in place, and samples. Inputs beside those of a whole step, but for the
   * weights: {@code logits} [B, V] and {@code new.l.key|value} [B, key-value heads, 1, head size].
   */
  public static byte[] sampling(ModelConfig config, long[] ends, Shape shape, ElementType type) {
    return new StepGraph(config, shape, type).build(ends, true);
  }

  /** What the graphs of this package compute. */
  public static BackendCapabilities capabilities(String backend) {
    return CachedLayers.capabilities(backend);
  }

  private byte[] build(long[] ends, boolean afterLayers) {
    int slots = shape.slots();
    graph.input("state", DataType.INT64, Row.values().length, slots);
    graph.input("tokens", DataType.INT64, shape.steps(), slots);
    graph.input("log_probabilities", DataType.FLOAT, shape.steps(), slots);
    graph.input("uniforms", DataType.DOUBLE, shape.steps() + 1, slots);
    graph.input("inverse_temperature", DataType.FLOAT, slots, 1);
    graph.input("top_k", DataType.INT64, slots, 1);
    graph.input("top_p", DataType.DOUBLE, slots, 1);
    graph.input("min_p", DataType.DOUBLE, slots, 1);
    graph.longs("axis.1", 1);
    graph.longs("ends", ends);
    graph.longs("per_slot", slots);
    graph.longs("column", slots, 1);
    graph.longs("row", 1, slots);

    List<String> rows = new ArrayList<>();
    for (Row row : Row.values()) {
      rows.add("state." + row.ordinal());
    }
    graph.node("", "Split", List.of("state"), rows, attribute("axis", 0));
    String logits = afterLayers ? cached() : layers();
    String uniform =
        graph.node(
            "Reshape",
            graph.node("GatherElements", List.of("uniforms", row(Row.STEP)), attribute("axis", 0)),
            "column");
    SamplingNodes.Likeliest sampled = sample(logits, uniform);
    String all = graph.node("LogSoftmax", List.of(logits), attribute("axis", -1));
    String logProbability =
        graph.node(
            "Reshape",
            graph.node("GatherElements", List.of(all, sampled.tokens()), attribute("axis", 1)),
            "row");
    update(sampled, logProbability);
    return graph.toModel();
  }

  /** The layers of a whole step; the logits [B, V]. */
  private String layers() {
    String seqlensK =
        graph.node(
            "Cast",
            List.of(graph.node("Reshape", row(Row.LENGTH), "per_slot")),
            attribute("to", (long) DataType.INT32_VALUE));
    CachedLayers layers =
        new CachedLayers(
            config,
            graph,
            type,
            Operators.FUSED,
            new FusedAttention(
                config, graph, CachedLayers.dataType(type), shape.slots(), seqlensK));
    layers.declare();
    String ids = graph.node("Reshape", row(Row.TOKEN), "per_slot");
    return layers.logits(layers.run(ids, new StepLayersGraph.OneTokenEach(graph)));
  }

  /** Writes each slot's new keys and values into the cache; the logits that are given [B, V]. */
  private String cached() {
    int slots = shape.slots();
    int heads = config.keyValueHeads();
    // For each number of a row, where it goes on the axis of tokens.
    graph.bytes(
        "cache.zeros",
        DataType.INT64,
        new byte[heads * config.headSize() * Long.BYTES],
        1,
        heads,
        1,
        config.headSize());
    graph.longs("cache.lengths", slots, 1, 1, 1);
    String places =
        graph.node("Add", "cache.zeros", graph.node("Reshape", row(Row.LENGTH), "cache.lengths"));
    DataType of = CachedLayers.dataType(type);
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String what : List.of("key", "value")) {
        String name = layer + "." + what;
        Object[] cache = {slots, heads, "T", config.headSize()};
        graph.input("past." + name, of, cache);
        graph.output("present." + name, of, cache);
        graph.input("new." + name, of, slots, heads, 1, config.headSize());
        graph.node(
            "",
            "ScatterElements",
            List.of("past." + name, places, "new." + name),
            List.of("present." + name),
            attribute("axis", 2));
      }
    }
    return graph.input("logits", DataType.FLOAT, slots, config.vocabularySize());
  }

  static String row(Row row) {
    return "state." + row.ordinal();
  }

  private SamplingNodes.Likeliest sample(String logits, String uniform) {
    if (!shape.branches()) {
      SamplingNodes.prepareLikeliest(graph, config.vocabularySize(), shape.likeliest());
      return SamplingNodes.sampleLikeliest(graph, logits, uniform);
    }
    SamplingNodes.prepare(graph, config.vocabularySize());
    String tokens = SamplingNodes.sample(graph, logits, uniform);
    return new SamplingNodes.Likeliest(
        tokens, graph.node("GreaterOrEqual", tokens, graph.longScalar(0)));
  }

  /** Writes what was sampled to the log, and the state of the next step. */
  private void update(SamplingNodes.Likeliest sampled, String logProbability) {
    String zero = graph.longScalar(0);
    String one = graph.longScalar(1);
    String token = graph.node("Reshape", sampled.tokens(), "row");
    String enough = graph.node("Reshape", sampled.enough(), "row");
    String active = graph.node("Equal", row(Row.ACTIVE), one);
    String goes = graph.node("And", active, enough);
    String went = integer(goes);

    String isEnd = integer(graph.node("Equal", sampled.tokens(), "ends"));
    String ends =
        graph.node(
            "Reshape",
            graph.node(
                "ReduceMax",
                List.of(isEnd),
                attribute("axes", List.of(1L)),
                attribute("keepdims", 1)),
            "row");
    String ended =
        graph.node(
            "And",
            graph.node("Greater", ends, zero),
            graph.node("Equal", row(Row.IGNORES_END), zero));
    String left = graph.node("Sub", row(Row.LEFT), went);
    String goesOn =
        graph.node(
            "And",
            goes,
            graph.node("And", graph.node("Not", ended), graph.node("Greater", left, zero)));

    String ranks = "steps";
    graph.bytes(
        ranks,
        DataType.INT64,
        littleEndian(LongStream.range(0, shape.steps()).toArray()),
        shape.steps(),
        1);
    String isNow = graph.node("And", graph.node("Equal", ranks, row(Row.STEP)), active);
    String logged = graph.node("Where", enough, token, graph.longScalar(UNDECIDED));
    where(isNow, logged, "tokens", "next_tokens", DataType.INT64);
    where(isNow, logProbability, "log_probabilities", "next_log_probabilities", DataType.FLOAT);

    List<String> next =
        List.of(
            graph.node("Where", goes, token, row(Row.TOKEN)),
            graph.node("Add", row(Row.LENGTH), went),
            left,
            row(Row.IGNORES_END),
            integer(goesOn),
            graph.node("Add", row(Row.STEP), row(Row.ACTIVE)));
    graph.node("", "Concat", next, List.of("next_state"), attribute("axis", 0));
    graph.output("next_state", DataType.INT64, Row.values().length, shape.slots());
  }

  private void where(String condition, String then, String input, String output, DataType type) {
    graph.node("", "Where", List.of(condition, then, input), List.of(output));
    graph.output(output, type, shape.steps(), shape.slots());
  }

  private String integer(String booleans) {
    return graph.node("Cast", List.of(booleans), attribute("to", (long) DataType.INT64_VALUE));
  }

  private static byte[] littleEndian(long[] values) {
    java.nio.ByteBuffer bytes =
        java.nio.ByteBuffer.allocate(values.length * Long.BYTES)
            .order(java.nio.ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return bytes.array();
  }
}
