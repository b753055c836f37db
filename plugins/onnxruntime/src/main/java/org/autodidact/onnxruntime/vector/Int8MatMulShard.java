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
import org.autodidact.onnxruntime.quantization.Int8Matrix;
import org.autodidact.vectors.Int8;

/**
 * Matrix product of quantized activations with some columns of an {@link Int8Matrix}, in ONNX
 * Runtime: [rows, inputs] bytes with 128 for 0 to [rows, outputs] floats, not yet times the rows'
 * scales. Computed on the calling thread. Owns the packed columns.
 */
final class Int8MatMulShard implements AutoCloseable {
  /** Shards have multiples of so many columns: a SIMD vector of AVX-512. */
  private static final int COLUMN_UNIT = 16;

  private final int from;
  private final int outputs;
  private final OwnedSession session;

  private Int8MatMulShard(OrtEnvironment environment, Int8Matrix matrix, int from, int to) {
    this.from = from;
    this.outputs = to - from;
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("bytes", DataType.UINT8, "rows", matrix.inputs());
    // In the graph, not as an external initializer: ONNX Runtime packs them and frees the
    // originals.
    graph.bytes("values", DataType.INT8, matrix.columns(from, to), matrix.inputs(), outputs);
    graph.floats("scales", Arrays.copyOfRange(matrix.scales(), from, to), outputs);
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) Int8.ZERO_POINT});
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
          "ONNX Runtime refused an int8 matrix product: " + e.getMessage(), e);
    }
  }

  /** A shard of the matrix for each thread; threads beyond the columns get none. */
  static List<Int8MatMulShard> shards(OrtEnvironment environment, Int8Matrix matrix, int threads) {
    List<Int8MatMulShard> shards = new ArrayList<>();
    int units = matrix.outputs() / COLUMN_UNIT;
    try {
      for (int i = 0; i < threads; i++) {
        int from = units * i / threads * COLUMN_UNIT;
        int to = i == threads - 1 ? matrix.outputs() : units * (i + 1) / threads * COLUMN_UNIT;
        if (to > from) {
          shards.add(new Int8MatMulShard(environment, matrix, from, to));
        }
      }
      return shards;
    } catch (RuntimeException | Error e) {
      shards.forEach(Int8MatMulShard::close);
      throw e;
    }
  }

  /** The first of its columns in the whole matrix. */
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
