package org.autodidact.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** The inputs of one run, by name, closed together. */
final class Tensors implements AutoCloseable {
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();

  Map<String, OnnxTensor> inputs() {
    return inputs;
  }

  void put(String name, long[] values, long... shape) throws OrtException {
    inputs.put(name, OnnxTensor.createTensor(Onnx.environment(), LongBuffer.wrap(values), shape));
  }

  void put(String name, float[] values, long... shape) throws OrtException {
    inputs.put(name, OnnxTensor.createTensor(Onnx.environment(), FloatBuffer.wrap(values), shape));
  }

  void put(String name, double[] values, long... shape) throws OrtException {
    inputs.put(name, OnnxTensor.createTensor(Onnx.environment(), DoubleBuffer.wrap(values), shape));
  }

  void put(String name, boolean[] values) throws OrtException {
    inputs.put(name, OnnxTensor.createTensor(Onnx.environment(), values));
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
  }
}
