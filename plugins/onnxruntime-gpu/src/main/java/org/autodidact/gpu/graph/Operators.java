package org.autodidact.gpu.graph;

/** What a decoder's layers are made of. */
public enum Operators {
  /** ONNX Runtime's own where it has them. */
  FUSED,
  /** Standard ONNX alone, which TensorRT takes as a whole. */
  PLAIN
}
