package org.autodidact.onnxruntime.cpu;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.vectors.Int8;

/**
 * How fast this machine multiplies, measured in a second or so.
 *
 * @param oneRow weights a second that one row is multiplied by: as fast as memory is read
 * @param manyRows multiplications a second with {@value #ROWS} rows: as fast as cores compute
 */
record ProductSpeed(double oneRow, double manyRows) {
  private static final int WIDTH = 2048;

  /** Of weights together: more than the last cache of most processors. */
  private static final long BYTES = 256L << 20;

  private static final int ROWS = 64;
  private static final int REPETITIONS = 5;

  /** Measures products of bytes, or of float32, on so many threads. */
  static ProductSpeed measure(boolean int8, int threads) {
    OrtEnvironment environment = OrtRuntime.environment();
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("x", int8 ? DataType.UINT8 : DataType.FLOAT, "rows", WIDTH);
    graph.floats("scales", new float[WIDTH], WIDTH);
    graph.bytes("zero", DataType.UINT8, new byte[] {(byte) Int8.ZERO_POINT});
    graph.floats("one", new float[] {1});
    int matrixBytes = WIDTH * WIDTH * (int8 ? 1 : Float.BYTES);
    int matrices = (int) (BYTES / matrixBytes);
    for (int i = 0; i < matrices; i++) {
      String weights = "w" + i;
      graph.external(weights, int8 ? DataType.INT8 : DataType.FLOAT, WIDTH, WIDTH);
      if (int8) {
        graph.node(
            MICROSOFT,
            "MatMulIntegerToFloat",
            List.of("x", weights, "one", "scales", "zero"),
            List.of("y" + i));
      } else {
        graph.node("", "MatMul", List.of("x", weights), List.of("y" + i));
      }
      graph.output("y" + i, DataType.FLOAT, "rows", WIDTH);
    }
    // One memory for all: ONNX Runtime packs each matrix into its own.
    try (OnnxTensor shared = tensor(environment, int8, OnnxJavaType.INT8, WIDTH);
        OwnedSession session =
            OwnedSession.of(
                options -> {
                  options.setIntraOpNumThreads(threads);
                  options.setInterOpNumThreads(1);
                  Map<String, OnnxTensor> initializers = new HashMap<>();
                  for (int i = 0; i < matrices; i++) {
                    initializers.put("w" + i, shared);
                  }
                  options.addExternalInitializers(Map.copyOf(initializers));
                  return environment.createSession(graph.toModel(), options);
                })) {
      double weights = (double) matrices * WIDTH * WIDTH;
      return new ProductSpeed(
          weights / seconds(environment, session, int8, 1),
          weights * ROWS / seconds(environment, session, int8, ROWS));
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  /** Zeros, [rows, {@value #WIDTH}]. */
  private static OnnxTensor tensor(
      OrtEnvironment environment, boolean int8, OnnxJavaType bytes, int rows) throws OrtException {
    ByteBuffer values =
        ByteBuffer.allocateDirect(rows * WIDTH * (int8 ? 1 : Float.BYTES))
            .order(ByteOrder.nativeOrder());
    long[] shape = {rows, WIDTH};
    return int8
        ? OnnxTensor.createTensor(environment, values, shape, bytes)
        : OnnxTensor.createTensor(environment, values.asFloatBuffer(), shape);
  }

  /** The median of a few runs, which other programs slow down as they will slow down the model. */
  private static double seconds(
      OrtEnvironment environment, OwnedSession session, boolean int8, int rows)
      throws OrtException {
    double[] seconds = new double[REPETITIONS];
    try (OnnxTensor x = tensor(environment, int8, OnnxJavaType.UINT8, rows)) {
      for (int i = 0; i < REPETITIONS; i++) {
        long start = System.nanoTime();
        session.run(Map.of("x", x)).close();
        seconds[i] = (System.nanoTime() - start) / 1e9;
      }
    }
    Arrays.sort(seconds);
    return seconds[REPETITIONS / 2];
  }
}
