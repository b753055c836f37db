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
 * Tests whether this processor multiplies unsigned by signed bytes exactly, and whether ONNX
 * Runtime copies weights. Processors without VNNI add two products in 16 bits, where the largest
 * saturate.
 */
public final class Int8MatMulCheck {
  private static final int INPUTS = 256;
  private static final int OUTPUTS = 64;
  private static final int ROWS = 4;

  private Int8MatMulCheck() {}

  /** Whether matrices of the largest values are multiplied exactly; tried once in a process. */
  public static boolean isExact() {
    return Tried.RESULT.exact();
  }

  /**
   * Whether ONNX Runtime has a copy of its own of constant weights, so that their memory can be
   * freed once a session is there; tried once in a process.
   */
  public static boolean isPacked() {
    return Tried.RESULT.packed();
  }

  private record Result(boolean exact, boolean packed) {}

  /** Holder whose initialization multiplies. */
  private static final class Tried {
    static final Result RESULT = multiply();
  }

  /** Multiplies by weights that are overwritten with 0 when the session has them. */
  private static Result multiply() {
    OrtEnvironment environment = OrtRuntime.environment();
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("a", DataType.UINT8, "rows", INPUTS);
    graph.external("b", DataType.INT8, INPUTS, OUTPUTS);
    graph.floats("one", new float[] {1});
    graph.node(MICROSOFT, "MatMulIntegerToFloat", List.of("a", "b", "one", "one"), List.of("c"));
    graph.output("c", DataType.FLOAT, "rows", OUTPUTS);
    ByteBuffer a = filled(ROWS * INPUTS, (byte) 255);
    ByteBuffer b = filled(INPUTS * OUTPUTS, (byte) Int8.MAX);
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OnnxTensor weights =
            OnnxTensor.createTensor(
                environment, b, new long[] {INPUTS, OUTPUTS}, OnnxJavaType.INT8)) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      options.addExternalInitializers(Map.of("b", weights));
      try (OrtSession session = environment.createSession(graph.toModel(), options);
          OnnxTensor input =
              OnnxTensor.createTensor(
                  environment, a, new long[] {ROWS, INPUTS}, OnnxJavaType.UINT8)) {
        float[][] products = products(session, input);
        for (int i = 0; i < b.capacity(); i++) {
          b.put(i, (byte) 0);
        }
        float[] exact = new float[OUTPUTS];
        Arrays.fill(exact, 255f * Int8.MAX * INPUTS);
        return new Result(
            Arrays.stream(products).allMatch(row -> Arrays.equals(row, exact)),
            Arrays.deepEquals(products, products(session, input)));
      }
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  private static ByteBuffer filled(int length, byte value) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length).order(ByteOrder.nativeOrder());
    for (int i = 0; i < length; i++) {
      bytes.put(i, value);
    }
    return bytes;
  }

  private static float[][] products(OrtSession session, OnnxTensor input) throws OrtException {
    try (OrtSession.Result result = session.run(Map.of("a", input))) {
      return (float[][]) result.get(0).getValue();
    }
  }
}
