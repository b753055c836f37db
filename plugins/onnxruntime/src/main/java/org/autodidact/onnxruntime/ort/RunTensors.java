package org.autodidact.onnxruntime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.autodidact.api.AutodidactException;

/**
 * Input and output tensors of one run by name, closed together. Buffers stay the caller's; they are
 * reachable until this is closed.
 */
public final class RunTensors implements AutoCloseable {
  private final OrtEnvironment environment = OrtRuntime.environment();
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();

  private interface Maker {
    OnnxTensor make() throws OrtException;
  }

  public Map<String, OnnxTensor> inputs() {
    return inputs;
  }

  public Map<String, OnnxTensor> outputs() {
    return outputs;
  }

  private static void put(Map<String, OnnxTensor> tensors, String name, Maker maker) {
    try {
      tensors.put(name, maker.make());
    } catch (OrtException e) {
      throw new AutodidactException(
          "ONNX Runtime refused the tensor " + name + ": " + e.getMessage(), e);
    }
  }

  public void input(String name, long[] values, long... shape) {
    put(inputs, name, () -> OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape));
  }

  public void input(String name, int[] values, long... shape) {
    put(inputs, name, () -> OnnxTensor.createTensor(environment, IntBuffer.wrap(values), shape));
  }

  public void input(String name, double[] values, long... shape) {
    put(inputs, name, () -> OnnxTensor.createTensor(environment, DoubleBuffer.wrap(values), shape));
  }

  public void input(String name, float[] values, long... shape) {
    input(name, FloatBuffer.wrap(values), shape);
  }

  public void input(String name, FloatBuffer values, long... shape) {
    put(inputs, name, () -> OnnxTensor.createTensor(environment, values, shape));
  }

  /** An input of an array of booleans, of any rank. */
  public void input(String name, Object booleans) {
    put(inputs, name, () -> OnnxTensor.createTensor(environment, booleans));
  }

  public void output(String name, FloatBuffer values, long... shape) {
    put(outputs, name, () -> OnnxTensor.createTensor(environment, values, shape));
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
  }
}
