package org.autodidact.onnxruntime.ort;

import ai.onnx.proto.OnnxMl;
import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * Builds an ONNX graph node by node. Weights are not copied: an initializer points into the
 * checkpoint's own safetensors file by offset.
 */
public final class OnnxGraphBuilder {
  public static final String MICROSOFT = "com.microsoft";

  private final GraphProto.Builder graph;
  private final Path folder;
  private final Map<String, String> weights;
  private final Map<Float, String> numbers = new HashMap<>();
  private final Map<Long, String> scalars = new HashMap<>();
  private int nodes;

  /** Weight files must lie in {@code folder}; ONNX Runtime refuses others. */
  public OnnxGraphBuilder(Path folder) {
    this(folder, "decoder", new HashMap<>());
  }

  private OnnxGraphBuilder(Path folder, String name, Map<String, String> weights) {
    this.folder = folder;
    this.graph = GraphProto.newBuilder().setName(name);
    this.weights = weights;
  }

  /**
   * A graph for {@link #choice} or {@link #loop}; it may read what this one has made, weights that
   * this one has read among them.
   */
  public OnnxGraphBuilder branch(String name) {
    return new OnnxGraphBuilder(folder, name, weights);
  }

  /**
   * Runs a body while its condition holds, {@code times} times at most. The body's inputs are the
   * round, the condition and what is carried; its outputs the condition, what is carried, and what
   * is gathered, a row a round. The loop's outputs are what is carried and what is gathered.
   */
  public void loop(
      String times,
      String condition,
      List<String> initial,
      OnnxGraphBuilder body,
      List<String> outputs) {
    List<String> inputs = new ArrayList<>(List.of(times, condition));
    inputs.addAll(initial);
    node("", "Loop", inputs, outputs, attribute("body", body.graph.build()));
  }

  /** Runs one of two branches, which each have one output; gives its name. */
  public String choice(String condition, OnnxGraphBuilder then, OnnxGraphBuilder otherwise) {
    return node(
        "If",
        List.of(condition),
        attribute("then_branch", then.graph.build()),
        attribute("else_branch", otherwise.graph.build()));
  }

  /** Whether all of these are true. */
  public String all(String booleans) {
    String numbers =
        node("Cast", List.of(booleans), attribute("to", TensorProto.DataType.INT64_VALUE));
    String least = node("ReduceMin", List.of(numbers), attribute("keepdims", 0));
    return node("Equal", List.of(least, scalar(1)));
  }

  /** An input of the graph; a dimension is a number or a name. */
  public String input(String name, TensorProto.DataType type, Object... dimensions) {
    graph.addInput(value(name, type, dimensions));
    return name;
  }

  public void output(String name, TensorProto.DataType type, Object... dimensions) {
    graph.addOutput(value(name, type, dimensions));
  }

  /**
   * The checkpoint's tensor as float32: float32 in place, 16-bit widened when the session loads.
   */
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

  /** A single number, of no dimension. */
  public String number(float value) {
    return numbers.computeIfAbsent(
        value, v -> floats("number." + graph.getName() + "." + v, new float[] {v}));
  }

  /** A single integer, of no dimension. */
  public String scalar(long value) {
    return scalars.computeIfAbsent(
        value,
        v ->
            constant(
                "scalar." + graph.getName() + "." + v,
                TensorProto.DataType.INT64,
                ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, v)));
  }

  /** Bytes of a shape; without one, a scalar. */
  public String bytes(String name, TensorProto.DataType type, byte[] values, long... shape) {
    return constant(name, type, ByteBuffer.wrap(values), shape);
  }

  /** A constant that the session is given from memory. */
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
            .setRawData(ByteString.copyFrom(bytes));
    Arrays.stream(shape).forEach(proto::addDims);
    graph.addInitializer(proto);
    return name;
  }

  /** Adds a node of plain ONNX with one output and gives the output's name. */
  public String node(String operator, List<String> inputs, AttributeProto... attributes) {
    String output = operator + "_" + graph.getName() + "_" + nodes;
    node("", operator, inputs, List.of(output), attributes);
    return output;
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
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  public static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  private static AttributeProto attribute(String name, GraphProto value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(value)
        .build();
  }

  public static AttributeProto attribute(String name, List<Long> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INTS)
        .addAllInts(values)
        .build();
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
