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
 * ONNX graph that generates in one run: it prefills prompts, then samples and decodes a token at a
 * time in a loop, so that the KV cache never leaves the device.
 *
 * <p>P prompts of S tokens (right-padded), B sequences that answer them with up to N tokens.
 * Inputs: {@code input_ids} [P, S], {@code lengths} [P], {@code prompt_of_sequence} [B], {@code
 * uniforms} [N, B], the random numbers in [0, 1); for each sequence {@code inverse_temperature},
 * {@code top_k}, {@code top_p}, {@code min_p} [B, 1], {@code max_tokens} [B] and {@code ignore_end}
 * [B]. Outputs: {@code tokens} and {@code log_probabilities} (at temperature 1) [n, B]; n is N, or
 * less where all sequences have ended. Values after a sequence's end are undefined. Tokens are
 * sampled by {@link SamplingNodes}.
 */
public final class GenerationLoopGraph {
  private final ModelConfig config;
  private final long[] ends;
  private final OnnxGraphBuilder graph;
  private final GpuDecoderLayers decoder;

  private GenerationLoopGraph(ModelFolder model) {
    this.ends = model.ends().tokens().stream().mapToLong(i -> i).sorted().toArray();
    this.config = model.config();
    this.graph = new OnnxGraphBuilder(OrtDecoder.weightFolder(model));
    this.decoder = GpuDecoderLayers.in(model, graph, false);
  }

  /** The serialized model. */
  public static byte[] build(ModelFolder model) {
    return new GenerationLoopGraph(model).build();
  }

  /** Sampled tokens, their log-probabilities, and whether sequences have ended; [B] each. */
  private record Sampled(String tokens, String logProbabilities, String ended) {}

  private byte[] build() {
    String ids = graph.input("input_ids", DataType.INT64, "P", "S");
    String lengths = graph.input("lengths", DataType.INT64, "P");
    String prompt = graph.input("prompt_of_sequence", DataType.INT64, "B");
    graph.input("uniforms", DataType.DOUBLE, "N", "B");
    graph.input("inverse_temperature", DataType.FLOAT, "B", 1);
    graph.input("top_k", DataType.INT64, "B", 1);
    graph.input("top_p", DataType.DOUBLE, "B", 1);
    graph.input("min_p", DataType.DOUBLE, "B", 1);
    graph.input("max_tokens", DataType.INT64, "B");
    graph.input("ignore_end", DataType.BOOL, "B");
    graph.longs("ends", ends);
    SamplingNodes.prepare(graph, config.vocabularySize());
    graph.longs("one", 1);
    graph.longs("two", 2);

    String shape = graph.node("Shape", ids);
    String width = graph.node("Gather", shape, graph.longScalar(1));
    String positions = decoder.positions(ids);
    String isToken = graph.node("Less", positions, graph.node("Unsqueeze", lengths, "axis.1"));
    String padding = graph.longs("padding", GpuDecoderLayers.PADDING_POSITION);
    String keyPositions = graph.node("Where", isToken, positions, padding);
    GpuDecoderLayers.Output output =
        decoder.layers(ids, positions, keyPositions, List.of(), List.of());
    String prompts = graph.node("Gather", shape, graph.longScalar(0));
    String firstRows =
        graph.node(
            "Mul", graph.node("Range", graph.longScalar(0), prompts, graph.longScalar(1)), width);
    String ends = graph.node("Sub", graph.node("Add", firstRows, lengths), "one");
    String last = graph.node("Gather", output.hidden(), ends);
    String logits = graph.node("Gather", decoder.logits(last), prompt);
    Sampled first = sample(graph, logits, graph.longScalar(0), "one");

    List<String> initial =
        new ArrayList<>(
            List.of(
                first.tokens(),
                first.ended(),
                graph.node("Gather", lengths, prompt),
                graph.node("Gather", keyPositions, prompt)));
    for (int layer = 0; layer < config.layers(); layer++) {
      initial.add(graph.node("Gather", output.keys().get(layer), prompt));
      initial.add(graph.node("Gather", output.values().get(layer), prompt));
    }
    String steps = graph.node("Gather", graph.node("Shape", "uniforms"), graph.longScalar(0));
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < initial.size(); i++) {
      outputs.add("carried." + i);
    }
    outputs.addAll(List.of("later.tokens", "later.log_probabilities"));
    graph.loop(
        graph.node("Sub", steps, graph.longScalar(1)),
        anyOpen(graph, first.ended()),
        initial,
        body(),
        outputs);
    scanOutput("tokens", first.tokens(), DataType.INT64);
    scanOutput("log_probabilities", first.logProbabilities(), DataType.FLOAT);
    return graph.toModel();
  }

  private void scanOutput(String name, String first, DataType type) {
    graph.node(
        "",
        "Concat",
        List.of(graph.node("Unsqueeze", first, "axis.0"), "later." + name),
        List.of(name),
        attribute("axis", 0));
    graph.output(name, type, "n", "B");
  }

  /** The loop's body: a decode step of the last token, and the sample of the next. */
  private OnnxGraphBuilder body() {
    OnnxGraphBuilder body = graph.branch("step");
    String iteration = body.input("iteration", DataType.INT64);
    body.input("open", DataType.BOOL);
    String token = body.input("token", DataType.INT64, "B");
    String ended = body.input("ended", DataType.BOOL, "B");
    String position = body.input("position", DataType.INT64, "B");
    String keyPositions = body.input("keyPositions", DataType.INT64, "B", "T");
    GpuDecoderLayers step = decoder.inBranch(body);
    List<String> keys = new ArrayList<>();
    List<String> values = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      keys.add(step.cacheInput("key." + layer, "B", "T"));
      values.add(step.cacheInput("value." + layer, "B", "T"));
    }
    String positions = body.node("Unsqueeze", position, "axis.1");
    String allPositions =
        body.node("Concat", List.of(keyPositions, positions), attribute("axis", 1));
    GpuDecoderLayers.Output output =
        step.layers(body.node("Unsqueeze", token, "axis.1"), positions, allPositions, keys, values);
    String index = body.node("Add", iteration, body.longScalar(1));
    Sampled next =
        sample(body, step.logits(output.hidden()), index, body.node("Add", iteration, "two"));
    String done = body.node("Or", ended, next.ended());
    body.output(anyOpen(body, done), DataType.BOOL);
    body.output(next.tokens(), DataType.INT64, "B");
    body.output(done, DataType.BOOL, "B");
    body.output(body.node("Add", position, "one"), DataType.INT64, "B");
    body.output(allPositions, DataType.INT64, "B", "more");
    for (int layer = 0; layer < config.layers(); layer++) {
      step.cacheOutput(output.keys().get(layer), "B", "more");
      step.cacheOutput(output.values().get(layer), "B", "more");
    }
    body.output(body.node("Identity", next.tokens()), DataType.INT64, "B");
    body.output(next.logProbabilities(), DataType.FLOAT, "B");
    return body;
  }

  /** Whether a sequence has not ended. */
  private static String anyOpen(OnnxGraphBuilder g, String ended) {
    return g.node("Not", g.allTrue(ended));
  }

  /**
   * Samples a token for each sequence.
   *
   * @param index the row of {@code uniforms}
   * @param count tokens of a sequence with this one
   */
  private static Sampled sample(OnnxGraphBuilder g, String logits, String index, String count) {
    String uniform = g.node("Unsqueeze", g.node("Gather", "uniforms", index), "axis.1");
    String column = SamplingNodes.sample(g, logits, uniform);
    String token = g.node("Squeeze", column, "axis.1");
    String all = g.node("LogSoftmax", List.of(logits), attribute("axis", -1));
    String logProbability =
        g.node(
            "Squeeze",
            g.node("GatherElements", List.of(all, column), attribute("axis", 1)),
            "axis.1");
    String isEnd = g.node("Equal", column, "ends");
    String found =
        g.node(
            "ReduceMax",
            List.of(
                g.node("Cast", List.of(isEnd), attribute("to", (long) DataType.INT64.getNumber()))),
            attribute("axes", List.of(1L)),
            attribute("keepdims", 0));
    String ends =
        g.node("And", g.node("Greater", found, g.longScalar(0)), g.node("Not", "ignore_end"));

    String full = g.node("GreaterOrEqual", count, "max_tokens");
    return new Sampled(token, logProbability, g.node("Or", ends, full));
  }
}
