package org.autodidact.checkpoints.safetensors;

/** Element types of stored tensors, by their safetensors names. */
public enum DataType {
  F32(4),
  F16(2),
  BF16(2);

  private final int bytes;

  DataType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes an element. */
  public int bytes() {
    return bytes;
  }
}
