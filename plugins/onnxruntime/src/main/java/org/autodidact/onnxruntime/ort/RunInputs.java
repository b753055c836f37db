package org.autodidact.onnxruntime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** The inputs of one run, by name, closed together. */
public final class RunInputs implements AutoCloseable {
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();

  public Map<String, OnnxTensor> inputs() {
    return inputs;
  }

  public void put(String name, long[] values, long... shape) throws OrtException {
    inputs.put(
        name, OnnxTensor.createTensor(OrtRuntime.environment(), LongBuffer.wrap(values), shape));
  }

  public void put(String name, float[] values, long... shape) throws OrtException {
    inputs.put(
        name, OnnxTensor.createTensor(OrtRuntime.environment(), FloatBuffer.wrap(values), shape));
  }

  public void put(String name, double[] values, long... shape) throws OrtException {
    inputs.put(
        name, OnnxTensor.createTensor(OrtRuntime.environment(), DoubleBuffer.wrap(values), shape));
  }

  public void put(String name, boolean[] values) throws OrtException {
    inputs.put(name, OnnxTensor.createTensor(OrtRuntime.environment(), values));
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
  }
}
