package org.autodidact.onnxruntime.vector;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Matrix;
import org.autodidact.vectors.Int8;

/**
 * Matrix product of quantized activations with some columns of {@link Int8Matrix}es, in ONNX
 * Runtime: [rows, inputs] bytes with 128 for 0 to [rows, outputs] floats, not yet times the rows'
 * scales. Computed on the calling thread. Owns the packed columns.
 */
final class Int8MatMulShard implements AutoCloseable {
  /** Shards have multiples of so many columns: a SIMD vector of AVX-512. */
  private static final int COLUMN_UNIT = 16;

  private static final String VALUES = "values";

  private final int from;
  private final int outputs;
  private final OwnedSession session;

  private Int8MatMulShard(
      OrtEnvironment environment, List<Int8Matrix> matrices, int from, int to, Staging staging) {
    this.from = from;
    this.outputs = to - from;
    int inputs = matrices.get(0).inputs();
    float[] scales = new float[outputs];
    int first = 0;
    try (Staging.Lent lent = staging.lend((long) inputs * outputs)) {
      for (Int8Matrix matrix : matrices) {
        int begin = Math.max(from, first);
        int end = Math.min(to, first + matrix.outputs());
        if (begin < end) {
          matrix.copyColumns(begin - first, end - first, lent.bytes(), begin - from, outputs);
          System.arraycopy(matrix.scales(), begin - first, scales, begin - from, end - begin);
        }
        first += matrix.outputs();
      }
      this.session = session(environment, inputs, scales, lent.bytes(), Int8MatMulCheck.isPacked());
    } catch (OrtException e) {
      throw new AutodidactException(
          "ONNX Runtime refused an int8 matrix product: " + e.getMessage(), e);
    }
  }

  /**
   * @param values [inputs, outputs]
   * @param packed whether ONNX Runtime does not read {@code values} once the session is there;
   *     where it does, the session gets a copy of its own
   */
  private static OwnedSession session(
      OrtEnvironment environment, int inputs, float[] scales, ByteBuffer values, boolean packed)
      throws OrtException {
    int outputs = scales.length;
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("bytes", DataType.UINT8, "rows", inputs);
    if (packed) {
      graph.external(VALUES, DataType.INT8, inputs, outputs);
    } else {
      byte[] copy = new byte[values.remaining()];
      values.duplicate().get(copy);
      graph.bytes(VALUES, DataType.INT8, copy, inputs, outputs);
    }
    graph.floats("scales", scales, outputs);
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) Int8.ZERO_POINT});
    graph.floats("one", new float[] {1});
    graph.node(
        MICROSOFT,
        "MatMulIntegerToFloat",
        List.of("bytes", VALUES, "one", "scales", "zero"),
        List.of("products"));
    graph.output("products", DataType.FLOAT, "rows", outputs);
    try (OnnxTensor tensor =
        OnnxTensor.createTensor(
            environment, values, new long[] {inputs, outputs}, OnnxJavaType.INT8)) {
      return OwnedSession.of(
          options -> {
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
            options.setMemoryPatternOptimization(false);
            options.setCPUArenaAllocator(false);
            // There is nothing to optimize in one operator, and 242 such graphs in a model.
            options.setOptimizationLevel(OptLevel.NO_OPT);
            if (packed) {
              options.addExternalInitializers(Map.of(VALUES, tensor));
            }
            return environment.createSession(graph.toModel(), options);
          });
    }
  }

  /**
   * A shard for each thread of matrices that read the same inputs, side by side; threads beyond the
   * columns get none.
   */
  static List<Int8MatMulShard> shards(
      OrtEnvironment environment, List<Int8Matrix> matrices, int threads, Staging staging) {
    List<Int8MatMulShard> shards = new ArrayList<>();
    int outputs = matrices.stream().mapToInt(Int8Matrix::outputs).sum();
    int units = outputs / COLUMN_UNIT;
    try {
      for (int i = 0; i < threads; i++) {
        int from = units * i / threads * COLUMN_UNIT;
        int to = i == threads - 1 ? outputs : units * (i + 1) / threads * COLUMN_UNIT;
        if (to > from) {
          shards.add(new Int8MatMulShard(environment, matrices, from, to, staging));
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
