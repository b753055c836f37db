package org.autodidact.onnxruntime.ort;

import ai.onnx.proto.OnnxMl;
import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.UnsafeByteOperations;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.Rope;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * Builds an ONNX graph node by node; methods that add a value return its name. Weights are not
 * copied: an external initializer refers to the checkpoint's safetensors file by offset.
 */
public final class OnnxGraphBuilder {
  public static final String MICROSOFT = "com.microsoft";

  private final GraphProto.Builder graph;
  private final Path folder;
  private final Map<String, String> weights;
  private final Map<Float, String> floatScalars = new HashMap<>();
  private final Map<Long, String> longScalars = new HashMap<>();
  private int nodes;

  /** Weight files must be in {@code folder}; ONNX Runtime refuses others. */
  public OnnxGraphBuilder(Path folder) {
    this(folder, "decoder", new HashMap<>());
  }

  private OnnxGraphBuilder(Path folder, String name, Map<String, String> weights) {
    this.folder = folder;
    this.graph = GraphProto.newBuilder().setName(name);
    this.weights = weights;
  }

  /**
   * A subgraph for {@link #ifElse} or {@link #loop}; it may read this graph's values and weights.
   */
  public OnnxGraphBuilder branch(String name) {
    return new OnnxGraphBuilder(folder, name, weights);
  }

  /**
   * Adds a Loop: runs a body while its condition holds, at most {@code maxIterations} times. The
   * body's inputs are the iteration, the condition and the loop-carried values; its outputs the
   * condition, the loop-carried values, and scan outputs, a row an iteration. The loop's outputs
   * are the loop-carried values and the scan outputs.
   */
  public void loop(
      String maxIterations,
      String condition,
      List<String> initial,
      OnnxGraphBuilder body,
      List<String> outputs) {
    List<String> inputs = new ArrayList<>(List.of(maxIterations, condition));
    inputs.addAll(initial);
    node("", "Loop", inputs, outputs, attribute("body", body.graph.build()));
  }

  /** Adds an If over two subgraphs of one output each. */
  public String ifElse(String condition, OnnxGraphBuilder then, OnnxGraphBuilder otherwise) {
    return node(
        "If",
        List.of(condition),
        attribute("then_branch", then.graph.build()),
        attribute("else_branch", otherwise.graph.build()));
  }

  /** Whether all booleans are true. */
  public String allTrue(String booleans) {
    String integers =
        node("Cast", List.of(booleans), attribute("to", TensorProto.DataType.INT64_VALUE));
    String minimum = node("ReduceMin", List.of(integers), attribute("keepdims", 0));
    return node("Equal", List.of(minimum, longScalar(1)));
  }

  /** Declares an input; a dimension is a number or a name. */
  public String input(String name, TensorProto.DataType type, Object... dimensions) {
    graph.addInput(value(name, type, dimensions));
    return name;
  }

  public void output(String name, TensorProto.DataType type, Object... dimensions) {
    graph.addOutput(value(name, type, dimensions));
  }

  /** The checkpoint's tensor as float32: read in place, or converted from 16 bits at loading. */
  public String weight(TensorInfo tensor) {
    return weights.computeIfAbsent(tensor.name(), name -> addWeight(tensor));
  }

  private String addWeight(TensorInfo tensor) {
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName(tensor.name())
            .addAllDims(tensor.shape())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", folder.relativize(tensor.file()).toString()))
            .addExternalData(entry("offset", Long.toString(tensor.offset())))
            .addExternalData(entry("length", Long.toString(tensor.byteLength())));
    TensorProto.DataType type =
        switch (tensor.type()) {
          case F32 -> TensorProto.DataType.FLOAT;
          case F16 -> TensorProto.DataType.FLOAT16;
          case BF16 -> TensorProto.DataType.BFLOAT16;
        };
    graph.addInitializer(proto.setDataType(type.getNumber()));
    return type == TensorProto.DataType.FLOAT
        ? tensor.name()
        : node("Cast", List.of(tensor.name()), attribute("to", TensorProto.DataType.FLOAT_VALUE));
  }

  private static OnnxMl.StringStringEntryProto entry(String key, String value) {
    return OnnxMl.StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  public String floats(String name, float[] values, long... shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return constant(name, TensorProto.DataType.FLOAT, bytes, shape);
  }

  /** A float constant without dimensions. */
  public String floatScalar(float value) {
    return floatScalars.computeIfAbsent(
        value, v -> floats("number." + graph.getName() + "." + v, new float[] {v}));
  }

  /** An integer constant without dimensions. */
  public String longScalar(long value) {
    return longScalars.computeIfAbsent(
        value,
        v ->
            constant(
                "scalar." + graph.getName() + "." + v,
                TensorProto.DataType.INT64,
                ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, v)));
  }

  /** A constant of bytes, which are not copied; without a shape, a scalar. */
  public String bytes(String name, TensorProto.DataType type, byte[] values, long... shape) {
    return constant(name, type, ByteBuffer.wrap(values), shape);
  }

  /** An initializer that the session gets from memory ({@code addExternalInitializers}). */
  public String external(String name, TensorProto.DataType type, long... shape) {
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type.getNumber())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(entry("location", "memory"));
    Arrays.stream(shape).forEach(proto::addDims);
    graph.addInitializer(proto);
    return name;
  }

  public String longs(String name, long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return constant(name, TensorProto.DataType.INT64, bytes, values.length);
  }

  private String constant(String name, TensorProto.DataType type, ByteBuffer bytes, long... shape) {
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type.getNumber())
            .setRawData(UnsafeByteOperations.unsafeWrap(bytes));
    Arrays.stream(shape).forEach(proto::addDims);
    graph.addInitializer(proto);
    return name;
  }

  /** Adds a node of standard ONNX without attributes, with one output. */
  public String node(String operator, String... inputs) {
    return node(operator, Arrays.asList(inputs));
  }

  /** Adds a node of standard ONNX with one output. */
  public String node(String operator, List<String> inputs, AttributeProto... attributes) {
    String output = operator + "_" + graph.getName() + "_" + nodes;
    node("", operator, inputs, List.of(output), attributes);
    return output;
  }

  /** The maximum over an axis, which stays with length 1. */
  public String max(String x, long axis) {
    return node(
        "ReduceMax", List.of(x), attribute("axes", List.of(axis)), attribute("keepdims", 1));
  }

  /** RMSNorm (Zhang and Sennrich, 2019) over the last axis, by ONNX Runtime's operator. */
  public String rmsNorm(String x, String gain, double epsilon) {
    return node(
        "SimplifiedLayerNormalization",
        List.of(x, gain),
        attribute("axis", -1),
        attribute("epsilon", (float) epsilon));
  }

  /** x × scale; no node where the scale is 1. */
  public String scaled(String x, double scale) {
    return scale == 1 ? x : node("Mul", x, floatScalar((float) scale));
  }

  /** Adds tables of the rotary angles, {@code cos} and {@code sin} [positions, head size / 2]. */
  public void ropeTables(
      String suffix, int headSize, ModelConfig.RopeSettings rope, int positions) {
    int half = headSize / 2;
    floats("cos" + suffix, Rope.cosines(headSize, rope, positions), positions, half);
    floats("sin" + suffix, Rope.sines(headSize, rope, positions), positions, half);
  }

  public void node(
      String domain,
      String operator,
      List<String> inputs,
      List<String> outputs,
      AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setName(operator + "#" + nodes++)
            .setDomain(domain)
            .setOpType(operator)
            .addAllInput(inputs)
            .addAllOutput(outputs)
            .addAllAttribute(Arrays.asList(attributes)));
  }

  public static AttributeProto attribute(String name, long value) {
    return attribute(name, AttributeType.INT).setI(value).build();
  }

  public static AttributeProto attribute(String name, float value) {
    return attribute(name, AttributeType.FLOAT).setF(value).build();
  }

  private static AttributeProto attribute(String name, GraphProto value) {
    return attribute(name, AttributeType.GRAPH).setG(value).build();
  }

  public static AttributeProto attribute(String name, List<Long> values) {
    return attribute(name, AttributeType.INTS).addAllInts(values).build();
  }

  private static AttributeProto.Builder attribute(String name, AttributeType type) {
    return AttributeProto.newBuilder().setName(name).setType(type);
  }

  public byte[] toModel() {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setProducerName("autodidact")
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static ValueInfoProto value(
      String name, TensorProto.DataType type, Object... dimensions) {
    OnnxMl.TensorShapeProto.Builder shape = OnnxMl.TensorShapeProto.newBuilder();
    for (Object d : dimensions) {
      if (d instanceof Number n) {
        shape.addDimBuilder().setDimValue(n.longValue());
      } else {
        shape.addDimBuilder().setDimParam(d.toString());
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }
}
