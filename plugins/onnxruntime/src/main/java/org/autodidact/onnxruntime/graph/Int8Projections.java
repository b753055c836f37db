package org.autodidact.onnxruntime.graph;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;
import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.attribute;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.Arrays;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.quantization.HadamardRotation;
import org.autodidact.onnxruntime.quantization.Int8Matrix;
import org.autodidact.onnxruntime.quantization.Int8Source;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.vectors.Int8;

/**
 * Int8 projections over rotated weights: each row of activations is quantized with a scale of its
 * own, so that a result does not depend on the batch. Passes over the activations are saved where
 * they can be: projections that read one input share its quantization, and the scale of the MLP's
 * linear half is applied after {@code down_proj}.
 */
public final class Int8Projections implements Projections {
  private final ModelConfig config;
  private final Int8Weights weights;
  private final OnnxGraphBuilder graph;

  /** Quantized activations, and the scale [rows, 1] that they were divided by. */
  private record Quantized(String bytes, String scale) {}

  public Int8Projections(ModelConfig config, Int8Weights weights, OnnxGraphBuilder graph) {
    this.config = config;
    this.weights = weights;
    this.graph = graph;
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) Int8.ZERO_POINT});
    graph.floats("one", new float[] {1});
    graph.floats("levels", new float[] {Int8.MAX});
    graph.floats("tiny", new float[] {Int8.MIN_RANGE});
    float[] gain = new float[config.hiddenSize()];
    Arrays.fill(gain, 1);
    graph.floats("unit_gain", gain, gain.length);
    int block = Int8Weights.DOWN_HADAMARD_SIZE;
    graph.floats("hadamard", HadamardRotation.hadamard(block).matrix(), block, block);
    graph.longs("blocks", -1, block);
    graph.longs("unblocked", -1, config.intermediateSize());
    if (!Int8Weights.rotatesResidual(config)) {
      int inputs = Int8Weights.inputHadamardSize(config);
      graph.floats("input_hadamard", HadamardRotation.hadamard(inputs).matrix(), inputs, inputs);
      graph.longs("input_blocks", -1, inputs);
      graph.longs("input_unblocked", -1, config.hiddenSize());
    }
  }

  @Override
  public String embedding() {
    return Int8Weights.rotatesResidual(config)
        ? graph.external(
            Int8Weights.EMBEDDING, DataType.FLOAT, config.vocabularySize(), config.hiddenSize())
        : graph.weight(weights.plainEmbedding());
  }

  @Override
  public String gain(String name) {
    float[] gain = weights.gain(name);
    return gain.length == 0 ? "unit_gain" : graph.floats(name, gain, gain.length);
  }

  @Override
  public String[] queriesKeysValues(int layer, String x) {
    String all = project("qkv." + layer, quantizeNormed(x));
    if (!config.norm().queriesAndKeys()) {
      return new String[] {all};
    }
    List<String> each = List.of(all + ".q", all + ".k", all + ".v");
    long keys = (long) config.keyValueHeads() * config.headSize();
    graph.node(
        "",
        "Split",
        List.of(
            all,
            graph.longs("split." + layer, (long) config.heads() * config.headSize(), keys, keys)),
        each,
        attribute("axis", 1));
    return each.toArray(String[]::new);
  }

  @Override
  public float attentionScale() {
    return 1;
  }

  @Override
  public String attentionOutput(int layer, String x) {
    return project("o." + layer, quantize(x));
  }

  @Override
  public String mlp(int layer, String x) {
    Quantized input = quantizeNormed(x);
    String gate = activated(project("gate." + layer, input));
    // Linear from here on, so the scale of "up" can be applied after "down".
    boolean linear = weights.matrix("up." + layer).bias().length == 0;
    String up = linear ? matMul("up." + layer, input.bytes()) : project("up." + layer, input);
    String blocks = graph.node("Reshape", graph.node("Mul", gate, up), "blocks");
    String rotated = graph.node("MatMul", blocks, "hadamard");
    Quantized gated = quantize(graph.node("Reshape", rotated, "unblocked"));
    String scale = linear ? graph.node("Mul", gated.scale(), input.scale()) : gated.scale();
    return project("down." + layer, new Quantized(gated.bytes(), scale));
  }

  private String activated(String x) {
    String result = x + ":activated";
    switch (config.activation()) {
      case SILU ->
          graph.node(MICROSOFT, "QuickGelu", List.of(x), List.of(result), attribute("alpha", 1f));
      case GELU_TANH -> graph.node(MICROSOFT, "FastGelu", List.of(x), List.of(result));
    }
    return result;
  }

  @Override
  public void head(String x) {
    Quantized input = quantizeNormed(x);
    graph.node(
        "",
        "Mul",
        List.of(matMul(Int8Source.HEAD, input.bytes()), input.scale()),
        List.of("logits"));
  }

  /** Quantizes the normed residual stream; rotates it first where the stream itself is not. */
  private Quantized quantizeNormed(String x) {
    if (Int8Weights.rotatesResidual(config)) {
      return quantize(x);
    }
    String blocks = graph.node("Reshape", x, "input_blocks");
    String rotated = graph.node("MatMul", blocks, "input_hadamard");
    return quantize(graph.node("Reshape", rotated, "input_unblocked"));
  }

  /** Quantizes each row by its largest number. */
  private Quantized quantize(String x) {
    String largest = graph.max(graph.node("Abs", x), 1);
    String scale = graph.node("Div", graph.node("Max", largest, "tiny"), "levels");
    String bytes = graph.node("QuantizeLinear", graph.node("Div", x, scale), "one", "zero");
    return new Quantized(bytes, scale);
  }

  private String project(String name, Quantized x) {
    String scaled = graph.node("Mul", matMul(name, x.bytes()), x.scale());
    float[] bias = weights.matrix(name).bias();
    return bias.length == 0
        ? scaled
        : graph.node("Add", scaled, graph.floats(name + ".bias", bias, bias.length));
  }

  /** The matrix product with quantized activations, not yet times their scale. */
  private String matMul(String name, String bytes) {
    Int8Matrix m = weights.matrix(name);
    String values = graph.external(name + ".values", DataType.INT8, m.inputs(), m.outputs());
    String scales = graph.floats(name + ".scales", m.scales(), m.outputs());
    String product = name + ":product";
    graph.node(
        MICROSOFT,
        "MatMulIntegerToFloat",
        List.of(bytes, values, "one", scales, "zero"),
        List.of(product));
    return product;
  }
}
