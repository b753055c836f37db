package org.autodidact.onnxruntime;

import static org.autodidact.onnxruntime.OnnxGraph.MICROSOFT;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.AutodidactException;

/**
 * A product of bytes with one matrix of {@link Int8Weights}, in ONNX Runtime: [rows, inputs] bytes
 * with 128 for 0 to [rows, outputs] floats, not yet times the rows' scales. Computed on the calling
 * thread; any number of threads may call at a time.
 */
final class ByteProduct implements AutoCloseable {
  private final OrtSession session;
  private final int outputs;

  ByteProduct(OrtEnvironment environment, Int8Weights.Matrix matrix, boolean signed) {
    this.outputs = matrix.outputs();
    OnnxGraph graph = new OnnxGraph(Path.of(""));
    graph.input("bytes", DataType.UINT8, "rows", matrix.inputs());
    addTo(graph, matrix, signed, "products");
    graph.output("products", DataType.FLOAT, "rows", matrix.outputs());
    this.session = session(environment, graph, matrix, signed);
  }

  /** The product of {@code bytes} under the name {@code product}. */
  static void addTo(OnnxGraph graph, Int8Weights.Matrix matrix, boolean signed, String product) {
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) 128});
    graph.floats("one", new float[] {1});
    DataType type = signed ? DataType.INT8 : DataType.UINT8;
    graph.external("values", type, matrix.inputs(), matrix.outputs());
    graph.floats("scales", matrix.scales(), matrix.outputs());
    if (!signed) {
      byte[] middle = new byte[matrix.outputs()];
      Arrays.fill(middle, (byte) 128);
      graph.bytes("zeros", DataType.UINT8, middle, matrix.outputs());
    }
    graph.node(
        MICROSOFT,
        "MatMulIntegerToFloat",
        List.of("bytes", "values", "one", "scales", "zero", signed ? "" : "zeros"),
        List.of(product));
  }

  /** A session of one thread over a graph made by {@link #addTo}. */
  static OrtSession session(
      OrtEnvironment environment, OnnxGraph graph, Int8Weights.Matrix matrix, boolean signed) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OnnxTensor values =
            OnnxTensor.createTensor(
                environment,
                matrix.values().bytes(),
                new long[] {matrix.inputs(), matrix.outputs()},
                signed ? OnnxJavaType.INT8 : OnnxJavaType.UINT8)) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setMemoryPatternOptimization(false);
      options.setCPUArenaAllocator(false);
      options.addExternalInitializers(Map.of("values", values));
      return environment.createSession(graph.toModel(), options);
    } catch (OrtException e) {
      throw new AutodidactException(
          "ONNX Runtime refused a product of bytes: " + e.getMessage(), e);
    }
  }

  int outputs() {
    return outputs;
  }

  void run(OnnxTensor bytes, OnnxTensor products) {
    try {
      session.run(Map.of("bytes", bytes), Set.of(), Map.of("products", products)).close();
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed to close: " + e.getMessage(), e);
    }
  }
}
