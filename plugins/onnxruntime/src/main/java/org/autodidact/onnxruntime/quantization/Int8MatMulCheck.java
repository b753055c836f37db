package org.autodidact.onnxruntime.quantization;

import static org.autodidact.onnxruntime.ort.OnnxGraphBuilder.MICROSOFT;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.vectors.Int8;

/**
 * Tests whether this processor multiplies unsigned by signed bytes exactly. Processors without VNNI
 * add two products in 16 bits, where the largest saturate.
 */
public final class Int8MatMulCheck {
  private static final int INPUTS = 256;
  private static final int OUTPUTS = 64;
  private static final int ROWS = 4;

  private Int8MatMulCheck() {}

  /** Whether matrices of the largest values are multiplied exactly; tried once in a process. */
  public static boolean isExact() {
    return Tried.EXACT;
  }

  /** Holder whose initialization multiplies. */
  private static final class Tried {
    static final boolean EXACT = multiply();
  }

  private static boolean multiply() {
    OrtEnvironment environment = OrtRuntime.environment();
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("a", DataType.UINT8, "rows", INPUTS);
    byte[] b = new byte[INPUTS * OUTPUTS];
    Arrays.fill(b, (byte) Int8.MAX);
    graph.bytes("b", DataType.INT8, b, INPUTS, OUTPUTS);
    graph.floats("one", new float[] {1});
    graph.node(MICROSOFT, "MatMulIntegerToFloat", List.of("a", "b", "one", "one"), List.of("c"));
    graph.output("c", DataType.FLOAT, "rows", OUTPUTS);
    ByteBuffer a = ByteBuffer.allocateDirect(ROWS * INPUTS).order(ByteOrder.nativeOrder());
    for (int i = 0; i < a.capacity(); i++) {
      a.put(i, (byte) 255);
    }
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OrtSession session = environment.createSession(graph.toModel(), options);
        OnnxTensor input =
            OnnxTensor.createTensor(environment, a, new long[] {ROWS, INPUTS}, OnnxJavaType.UINT8);
        OrtSession.Result result = session.run(Map.of("a", input))) {
      float[][] products = (float[][]) result.get(0).getValue();
      float[] exact = new float[OUTPUTS];
      Arrays.fill(exact, 255f * Int8.MAX * INPUTS);
      return Arrays.stream(products).allMatch(row -> Arrays.equals(row, exact));
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }
}
