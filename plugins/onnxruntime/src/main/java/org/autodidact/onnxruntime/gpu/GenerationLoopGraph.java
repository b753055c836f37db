package org.autodidact.onnxruntime.gpu;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/**
 * A graph that answers prompts in one run: it reads them, then draws and reads a token at a time in
 * a loop of its own, so that keys and values never leave the device.
 *
 * <p>P prompts of S tokens (right-padded), B rows that answer them, up to N tokens. Inputs: {@code
 * input_ids} [P, S], {@code lengths} [P], {@code prompt_of_row} [B], {@code uniforms} [N, B] in [0,
 * 1), by which tokens are drawn; for each row {@code inverse_temperature}, {@code top_k}, {@code
 * top_p}, {@code min_p} [B, 1], {@code most} [B], its tokens at most, and {@code ignore_end} [B].
 * Outputs: {@code tokens} and {@code log_probabilities} (at temperature 1) [n, B]; n is N, or less
 * where all rows have ended. What a row has after its end is of no meaning. Draws are {@link
 * SamplingNodes}'s.
 */
public final class GenerationLoopGraph {
  private final ModelConfig config;
  private final long[] ends;
  private final OnnxGraphBuilder graph;
  private final PlainDecoderLayers decoder;

  private GenerationLoopGraph(ModelFolder model) {
    this.ends = model.ends().tokens().stream().mapToLong(i -> i).sorted().toArray();
    this.config = model.config();
    this.graph = new OnnxGraphBuilder(OrtDecoder.weightFolder(model));
    this.decoder = PlainDecoderLayers.in(model, graph, false);
  }

  /** The serialized model. */
  public static byte[] build(ModelFolder model) {
    return new GenerationLoopGraph(model).build();
  }

  /** Tokens [B] that were drawn, their log-probabilities [B], and whether rows have ended [B]. */
  private record Drawn(String tokens, String logProbabilities, String ended) {}

  private byte[] build() {
    String ids = graph.input("input_ids", DataType.INT64, "P", "S");
    String lengths = graph.input("lengths", DataType.INT64, "P");
    String prompt = graph.input("prompt_of_row", DataType.INT64, "B");
    graph.input("uniforms", DataType.DOUBLE, "N", "B");
    graph.input("inverse_temperature", DataType.FLOAT, "B", 1);
    graph.input("top_k", DataType.INT64, "B", 1);
    graph.input("top_p", DataType.DOUBLE, "B", 1);
    graph.input("min_p", DataType.DOUBLE, "B", 1);
    graph.input("most", DataType.INT64, "B");
    graph.input("ignore_end", DataType.BOOL, "B");
    graph.longs("ends", ends);
    SamplingNodes.prepare(graph, config.vocabularySize());
    graph.longs("one", 1);
    graph.longs("two", 2);

    String shape = graph.node("Shape", List.of(ids));
    String width = graph.node("Gather", List.of(shape, graph.scalar(1)));
    String from0 = graph.node("Range", List.of(graph.scalar(0), width, graph.scalar(1)));
    String positions =
        graph.node("Expand", List.of(graph.node("Unsqueeze", List.of(from0, "axis.0")), shape));
    String there =
        graph.node("Less", List.of(positions, graph.node("Unsqueeze", List.of(lengths, "axis.1"))));
    String nowhere = graph.longs("nowhere", PlainDecoderLayers.NOWHERE);
    String places = graph.node("Where", List.of(there, positions, nowhere));
    PlainDecoderLayers.Layers read = decoder.layers(ids, positions, places, List.of(), List.of());
    String prompts = graph.node("Gather", List.of(shape, graph.scalar(0)));
    String firstRows =
        graph.node(
            "Mul",
            List.of(
                graph.node("Range", List.of(graph.scalar(0), prompts, graph.scalar(1))), width));
    String ends = graph.node("Sub", List.of(graph.node("Add", List.of(firstRows, lengths)), "one"));
    String last = graph.node("Gather", List.of(read.hidden(), ends));
    String logits = graph.node("Gather", List.of(decoder.logits(last), prompt));
    Drawn first = draw(graph, logits, graph.scalar(0), "one");

    List<String> initial =
        new ArrayList<>(
            List.of(
                first.tokens(),
                first.ended(),
                graph.node("Gather", List.of(lengths, prompt)),
                graph.node("Gather", List.of(places, prompt))));
    for (int layer = 0; layer < config.layers(); layer++) {
      initial.add(graph.node("Gather", List.of(read.keys().get(layer), prompt)));
      initial.add(graph.node("Gather", List.of(read.values().get(layer), prompt)));
    }
    String steps =
        graph.node("Gather", List.of(graph.node("Shape", List.of("uniforms")), graph.scalar(0)));
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < initial.size(); i++) {
      outputs.add("carried." + i);
    }
    outputs.addAll(List.of("later.tokens", "later.log_probabilities"));
    graph.loop(
        graph.node("Sub", List.of(steps, graph.scalar(1))),
        open(graph, first.ended()),
        initial,
        body(),
        outputs);
    gathered("tokens", first.tokens(), DataType.INT64);
    gathered("log_probabilities", first.logProbabilities(), DataType.FLOAT);
    return graph.toModel();
  }

  private void gathered(String name, String first, DataType type) {
    graph.node(
        "",
        "Concat",
        List.of(graph.node("Unsqueeze", List.of(first, "axis.0")), "later." + name),
        List.of(name),
        attribute("axis", 0));
    graph.output(name, type, "n", "B");
  }

  /** Reads the last token and draws the next. */
  private OnnxGraphBuilder body() {
    OnnxGraphBuilder body = graph.branch("step");
    String round = body.input("round", DataType.INT64);
    body.input("open", DataType.BOOL);
    String token = body.input("token", DataType.INT64, "B");
    String ended = body.input("ended", DataType.BOOL, "B");
    String position = body.input("position", DataType.INT64, "B");
    String places = body.input("places", DataType.INT64, "B", "T");
    PlainDecoderLayers step = decoder.inBranch(body);
    List<String> keys = new ArrayList<>();
    List<String> values = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      keys.add(step.cacheInput("key." + layer, "B", "T"));
      values.add(step.cacheInput("value." + layer, "B", "T"));
    }
    String positions = body.node("Unsqueeze", List.of(position, "axis.1"));
    String allPlaces = body.node("Concat", List.of(places, positions), attribute("axis", 1));
    PlainDecoderLayers.Layers read =
        step.layers(
            body.node("Unsqueeze", List.of(token, "axis.1")), positions, allPlaces, keys, values);
    String index = body.node("Add", List.of(round, body.scalar(1)));
    Drawn next =
        draw(body, step.logits(read.hidden()), index, body.node("Add", List.of(round, "two")));
    String done = body.node("Or", List.of(ended, next.ended()));
    body.output(open(body, done), DataType.BOOL);
    body.output(next.tokens(), DataType.INT64, "B");
    body.output(done, DataType.BOOL, "B");
    body.output(body.node("Add", List.of(position, "one")), DataType.INT64, "B");
    body.output(allPlaces, DataType.INT64, "B", "more");
    for (int layer = 0; layer < config.layers(); layer++) {
      step.cacheOutput(read.keys().get(layer), "B", "more");
      step.cacheOutput(read.values().get(layer), "B", "more");
    }
    body.output(body.node("Identity", List.of(next.tokens())), DataType.INT64, "B");
    body.output(next.logProbabilities(), DataType.FLOAT, "B");
    return body;
  }

  /** Whether a row has not ended. */
  private static String open(OnnxGraphBuilder g, String ended) {
    return g.node("Not", List.of(g.all(ended)));
  }

  /**
   * Draws a token for each row.
   *
   * @param index which row of {@code uniforms}, a number
   * @param count tokens that rows have with this one
   */
  private static Drawn draw(OnnxGraphBuilder g, String logits, String index, String count) {
    String uniform =
        g.node("Unsqueeze", List.of(g.node("Gather", List.of("uniforms", index)), "axis.1"));
    String column = SamplingNodes.draw(g, logits, uniform);
    String token = g.node("Squeeze", List.of(column, "axis.1"));
    String all = g.node("LogSoftmax", List.of(logits), attribute("axis", -1));
    String logProbability =
        g.node(
            "Squeeze",
            List.of(
                g.node("GatherElements", List.of(all, column), attribute("axis", 1)), "axis.1"));
    String isEnd = g.node("Equal", List.of(column, "ends"));
    String found =
        g.node(
            "ReduceMax",
            List.of(
                g.node("Cast", List.of(isEnd), attribute("to", (long) DataType.INT64.getNumber()))),
            attribute("axes", List.of(1L)),
            attribute("keepdims", 0));
    String ends =
        g.node(
            "And",
            List.of(
                g.node("Greater", List.of(found, g.scalar(0))),
                g.node("Not", List.of("ignore_end"))));
    String full = g.node("GreaterOrEqual", List.of(count, "most"));
    return new Drawn(token, logProbability, g.node("Or", List.of(ends, full)));
  }
}
