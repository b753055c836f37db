package org.autodidact.gpu.ort;

/** Element types of tensors; the numbers are ONNX's. */
public enum ElementType {
  FLOAT(1, 4),
  INT32(6, 4),
  INT64(7, 8),
  FLOAT16(10, 2),
  DOUBLE(11, 8),
  BFLOAT16(16, 2);

  private final int number;
  private final int bytes;

  ElementType(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** {@code TensorProto.DataType}. */
  public int number() {
    return number;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }
}
