package org.autodidact.onnxruntime.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.autodidact.api.SamplingParameters;
import org.autodidact.onnxruntime.TestDevice;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.batching.SamplerTest;
import org.autodidact.onnxruntime.graph.GraphLogits;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.ort.RunTensors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Draws within a graph, on {@link TestDevice}, against {@link Sampler}. */
class SamplingNodesTest {
  private static final int ROWS = 40;
  private static final int SEEDS = 5;

  /** Rows from nearly even, where all tokens are sorted, to nearly certain, alone and together. */
  @ParameterizedTest
  @CsvSource({
    "0, 0.9, 0, 0",
    "0, 0.9, 0, 20",
    "0, 0.999, 0, 0",
    "1, 1, 0, 0",
    "40, 0.9, 0.1, 0",
    "1024, 1, 0, 0",
    "1025, 1, 0, 0",
    "1100, 0.5, 0, 2",
    "2900, 0.95, 0, 0",
    "0, 1, 0.05, 0",
    "0, 0.95, 0.01, 10",
    "3000, 1, 0, 0",
    "0, 1, 0, 0"
  })
  void drawsAsTheSampler(int topK, double topP, double minP, int leastSpread) throws OrtException {
    SamplingParameters parameters =
        new SamplingParameters(1, 1, topK, topP, minP, 1, List.of(), false);
    Sampler.Scratch scratch = new Sampler.Scratch(SamplerTest.VOCABULARY);
    float[] logits = new float[ROWS * SamplerTest.VOCABULARY];
    FloatBuffer p = FloatBuffer.allocate(logits.length);
    for (int row = 0; row < ROWS; row++) {
      p.put(SamplerTest.distribution(Math.max(row, leastSpread)));
    }
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(p.get(i));
    }
    DecoderSession.Logits rows =
        new GraphLogits(p, p, FloatBuffer.allocate(2 * ROWS), SamplerTest.VOCABULARY);
    int same = 0;
    try (OrtSession session = open()) {
      for (long seed = 0; seed < SEEDS; seed++) {
        int[] found = sample(session, logits, parameters, new SplittableRandom(seed).nextDouble());
        for (int row = 0; row < ROWS; row++) {
          int expected = new Sampler(parameters, seed, new int[0]).sample(rows, row, scratch);
          same += found[row] == expected ? 1 : 0;
        }
      }
    }
    // A logarithm and its exponential do not give the same last bit, which orders unlikely tokens.
    assertThat(same).isGreaterThanOrEqualTo(SEEDS * ROWS * 97 / 100);
  }

  private static OrtSession open() throws OrtException {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    String logits = graph.input("logits", DataType.FLOAT, "B", SamplerTest.VOCABULARY);
    String uniform = graph.input("uniform", DataType.DOUBLE, "B", 1);
    graph.input("inverse_temperature", DataType.FLOAT, "B", 1);
    graph.input("top_k", DataType.INT64, "B", 1);
    graph.input("top_p", DataType.DOUBLE, "B", 1);
    graph.input("min_p", DataType.DOUBLE, "B", 1);
    graph.longs("axis.1", 1);
    SamplingNodes.prepare(graph, SamplerTest.VOCABULARY);
    graph.output(SamplingNodes.sample(graph, logits, uniform), DataType.INT64, "B", 1);
    OrtEnvironment environment = OrtRuntime.environment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      ExecutionProviders.add(options, TestDevice.provider(), Map.of());
      return environment.createSession(graph.toModel(), options);
    }
  }

  private static int[] sample(
      OrtSession session, float[] logits, SamplingParameters parameters, double uniform)
      throws OrtException {
    try (RunTensors tensors = new RunTensors()) {
      float[] ones = new float[ROWS];
      Arrays.fill(ones, 1);
      long[] topK = new long[ROWS];
      Arrays.fill(topK, SamplingNodes.topK(parameters, SamplerTest.VOCABULARY));
      tensors.input("logits", logits, ROWS, SamplerTest.VOCABULARY);
      tensors.input("uniform", all(uniform), ROWS, 1);
      tensors.input("inverse_temperature", ones, ROWS, 1);
      tensors.input("top_k", topK, ROWS, 1);
      tensors.input("top_p", all(parameters.topP()), ROWS, 1);
      tensors.input("min_p", all(parameters.minP()), ROWS, 1);
      try (OrtSession.Result result = session.run(tensors.inputs())) {
        long[][] found = (long[][]) result.get(0).getValue();
        return Arrays.stream(found).mapToInt(row -> (int) row[0]).toArray();
      }
    }
  }

  private static double[] all(double value) {
    double[] values = new double[ROWS];
    Arrays.fill(values, value);
    return values;
  }
}
