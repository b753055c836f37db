package org.autodidact.onnxruntime.vector;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.quantization.Int8Weights;

/**
 * A product of bytes with some columns of a matrix of {@link Int8Weights}, in ONNX Runtime: [rows,
 * inputs] bytes with 128 for 0 to [rows, outputs] floats, not yet times the rows' scales. Computed
 * on the calling thread. Owns the packed columns.
 */
final class Int8MatMulShard implements AutoCloseable {
  /** Columns are cut in multiples of this. */
  private static final int COLUMNS = 16;

  private final int from;
  private final int outputs;
  private final OwnedSession session;

  private Int8MatMulShard(OrtEnvironment environment, Int8Weights.Matrix matrix, int from, int to) {
    this.from = from;
    this.outputs = to - from;
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("bytes", DataType.UINT8, "rows", matrix.inputs());
    // In the graph, not beside it: ONNX Runtime packs them and frees what it was given.
    graph.bytes("values", DataType.INT8, matrix.columns(from, to), matrix.inputs(), outputs);
    graph.floats("scales", Arrays.copyOfRange(matrix.scales(), from, to), outputs);
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) 128});
    graph.floats("one", new float[] {1});
    graph.node(
        MICROSOFT,
        "MatMulIntegerToFloat",
        List.of("bytes", "values", "one", "scales", "zero"),
        List.of("products"));
    graph.output("products", DataType.FLOAT, "rows", outputs);
    try {
      this.session =
          OwnedSession.of(
              options -> {
                options.setIntraOpNumThreads(1);
                options.setInterOpNumThreads(1);
                options.setMemoryPatternOptimization(false);
                options.setCPUArenaAllocator(false);
                return environment.createSession(graph.toModel(), options);
              });
    } catch (OrtException e) {
      throw new AutodidactException(
          "ONNX Runtime refused a product of bytes: " + e.getMessage(), e);
    }
  }

  /** The matrix cut into columns for each of some threads; threads beyond the columns get none. */
  static List<Int8MatMulShard> parts(
      OrtEnvironment environment, Int8Weights.Matrix matrix, int threads) {
    List<Int8MatMulShard> parts = new ArrayList<>();
    int units = matrix.outputs() / COLUMNS;
    try {
      for (int i = 0; i < threads; i++) {
        int from = units * i / threads * COLUMNS;
        int to = i == threads - 1 ? matrix.outputs() : units * (i + 1) / threads * COLUMNS;
        if (to > from) {
          parts.add(new Int8MatMulShard(environment, matrix, from, to));
        }
      }
      return parts;
    } catch (RuntimeException | Error e) {
      parts.forEach(Int8MatMulShard::close);
      throw e;
    }
  }

  /** The first column. */
  int from() {
    return from;
  }

  int outputs() {
    return outputs;
  }

  void run(OnnxTensor bytes, OnnxTensor products) {
    try {
      session.run(Map.of("bytes", bytes), Map.of("products", products));
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
