package org.autodidact.onnxruntime.ort;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import org.autodidact.api.AutodidactException;

/**
 * Tensors over the first n rows of a buffer [rows, width], each made once. The buffer is the
 * caller's.
 */
public final class RowTensors implements AutoCloseable {
  private final OrtEnvironment environment;
  private final NativeBuffer memory;
  private final OnnxJavaType type;
  private final int width;
  private final OnnxTensor[] tensors;

  public RowTensors(
      OrtEnvironment environment, int rows, NativeBuffer memory, OnnxJavaType type, int width) {
    this.environment = environment;
    this.tensors = new OnnxTensor[rows + 1];
    this.memory = memory;
    this.type = type;
    this.width = width;
  }

  /** The first {@code rows} rows, [rows, width]. */
  public OnnxTensor first(int rows) {
    if (tensors[rows] == null) {
      long[] shape = {rows, width};
      try {
        tensors[rows] =
            type == OnnxJavaType.FLOAT
                ? OnnxTensor.createTensor(environment, memory.floats(0, (long) rows * width), shape)
                : OnnxTensor.createTensor(
                    environment, memory.bytes().limit(rows * width), shape, type);
      } catch (OrtException e) {
        throw new AutodidactException("ONNX Runtime refused a tensor: " + e.getMessage(), e);
      }
    }
    return tensors[rows];
  }

  @Override
  public void close() {
    for (OnnxTensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }
}
